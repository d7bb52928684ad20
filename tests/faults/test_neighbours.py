"""What others use is told from what we and our children use."""

import os
import subprocess
import sys

from tests.faults.neighbours import CORES, Neighbours, family, whole_machine

WORK = """
import time
while time.process_time() < 0.5:
    pass
"""


def test_what_a_child_used_is_ours_also_when_it_is_gone():
    before = family(os.getpid())

    subprocess.run([sys.executable, "-c", WORK], check=True)

    assert family(os.getpid()) - before > 0.4


def test_what_we_use_is_part_of_what_the_machine_uses():
    before = whole_machine()

    subprocess.run([sys.executable, "-c", WORK], check=True)

    assert whole_machine() - before > 0.4


def test_our_own_work_is_not_that_of_others(monkeypatch):
    others = Neighbours()
    monkeypatch.setattr("tests.faults.neighbours.whole_machine", lambda: 0.0)
    others.spent = -family(os.getpid())
    subprocess.run([sys.executable, "-c", WORK], check=True)
    assert others.share() == 0

    monkeypatch.setattr("tests.faults.neighbours.whole_machine", lambda: 1000.0)
    assert others.share() > 1 / CORES
