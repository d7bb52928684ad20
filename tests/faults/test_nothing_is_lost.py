"""Each fault, small enough for every change: `bin/faults` is the long form."""

import os

import pytest

from tests.faults.catalogue import FAULTS, plan, play

#: Printed with the verdict; FAULTS_SEED=7 bin/test tests/faults -k F4 replays it.
SEED = int(os.environ.get("FAULTS_SEED") or int.from_bytes(os.urandom(2)))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_and_nothing_happens_twice(running, name, capsys):
    verdict = play(running, plan(name, seed=SEED))

    verdict.write()
    with capsys.disabled():
        print(f"\n{verdict.line()}")  # noqa: T201 - the seed, whatever the outcome
    assert verdict.kept, "\n".join([verdict.line(), *verdict.broken])
