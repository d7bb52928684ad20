"""Each fault of a whole system, at its size for every change: `bin/faults` has more."""

import os

import pytest

from tests.faults.catalogue import FAULTS, plan, play

#: Printed with the verdict; FAULTS_SEED=7 bin/test tests/faults -k F4 replays it.
SEED = int(os.environ.get("FAULTS_SEED") or int.from_bytes(os.urandom(2)))
#: For every change on paper, where it takes seconds: test_duplicates.py. And poison one
#: at a time, tests/broker/test_failing.py: of a p95, `bin/faults F9` needs more orders.
ELSEWHERE = {"F7", "F9"}


# The supervisor outlives the call that starts it.
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ELSEWHERE])
def test_nothing_is_lost_and_nothing_happens_twice(running, name, capsys):
    verdict = play(running, plan(name, seed=SEED))

    verdict.write()
    with capsys.disabled():
        print(f"\n{verdict.line()}")  # noqa: T201 - the seed, whatever the outcome
    assert verdict.kept, verdict.explained()
    assert not verdict.missed, verdict.explained()
