"""CPU seconds of a process and of everything it has started."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system time; of children that have ended, too."""
    return sum(_own(one) for one in tree(pid)) / TICKS


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started, and that runs."""
    yield pid
    for child in _children(pid):
        yield from tree(child)


def _children(pid: int) -> list[int]:
    # Any thread may have forked: Erlang's do.
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in read(file).split()]


def _own(pid: int) -> int:
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def read(file: Path) -> str:
    """Return what stands in a file of /proc, nothing where its process has ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
