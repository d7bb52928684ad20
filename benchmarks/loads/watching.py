"""Looking at a shop once a second while it works."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from benchmarks.cpu import read, tree
from benchmarks.loads.lines import Line
from benchmarks.loads.shop import OPEN, Shop

CONNECTIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


class Sample(NamedTuple):
    """`memory` in bytes by process, with its children; `at` in seconds."""

    at: float
    open: int
    connections: int
    memory: dict[str, int]


@contextmanager
def watched(own: Shop, every: float = 1.0) -> Iterator[list[Sample]]:
    """Yield a list that grows by a sample at a time for as long as it is open."""
    samples: list[Sample] = []
    over = Event()
    thread = Thread(target=_look, args=(own, every, samples, over))
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _look(own: Shop, every: float, samples: list[Sample], over: Event) -> None:
    # A cursor of its own: that of the shop is in use.
    eye, start = Shop(own.system), time.monotonic()
    with eye.connected():
        while not over.wait(every):
            samples.append(
                Sample(
                    time.monotonic() - start,
                    eye.one(OPEN),
                    eye.one(CONNECTIONS),
                    {name: memory(pid) for name, pid in eye.pids().items()},
                )
            )


def memory(pid: int) -> int:
    """Return the bytes that a process and its children hold for themselves.

    Without what they map of files, and share: PostgreSQL's buffers fill up once.
    """
    return 1024 * sum(map(_own, tree(pid)))


def _own(pid: int) -> int:
    status = read(Path(f"/proc/{pid}/status"))
    return int(status.partition("RssAnon:")[2].split("kB")[0] or 0)


def memory_lines(samples: Sequence[Sample]) -> list[Line]:
    """Return a line for each process, in MB."""
    names = samples[-1].memory if samples else {}
    return [
        Line(name, [(one.at, one.memory.get(name, 0) / 2**20) for one in samples])
        for name in names
    ]
