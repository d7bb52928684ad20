"""How much of the machine others use: a bar in seconds means nothing on a busy one."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1


class Neighbours:
    """Everything on this machine that is no child of ours, from now on."""

    def __init__(self) -> None:
        self.start, self.spent = time.monotonic(), self._spent()

    def share(self) -> float:
        """Return how much of all processors they have used since, from 0 to 1."""
        used = self._spent() - self.spent
        return max(0, used) / (time.monotonic() - self.start) / CORES

    def _spent(self) -> float:
        return whole_machine() - family(os.getpid())


def whole_machine() -> float:
    """Return the seconds that all processors have been busy, or were not given to us.

    https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat
    """
    user, nice, system, _idle, _waiting, *others = (
        Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    )
    return sum(map(int, (user, nice, system, *others))) / TICK


def family(oldest: int) -> float:
    """Return the seconds that a process, its living and its dead children have used."""
    children, used = defaultdict(list), {}
    for pid, parent, seconds in processes():
        children[parent].append(pid)
        used[pid] = seconds
    found = [oldest]
    for pid in found:
        found += children[pid]
    return sum(used.get(pid, 0) for pid in found)


def processes() -> Iterator[tuple[int, int, float]]:
    """Yield each process, its parent, and the seconds it and its dead have used."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        yield int(entry.name), int(words[1]), sum(map(int, words[11:15])) / TICK
