"""CPU seconds of a process and of everything it has started."""

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system time; of children that have ended, too."""
    return sum(_own(one) for one in _tree(pid)) / TICKS


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _tree(child)


def _children(pid: int) -> list[int]:
    # Any thread may have forked: Erlang's do.
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in _read(file).split()]


def _own(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has just ended
        return ""
