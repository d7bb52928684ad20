"""Processes of a system that nobody supervises any more: its supervisor was killed, or
the machine was in a hurry.
"""

import contextlib
import os
import signal
from pathlib import Path

from deploy.local.errors import PlainError
from deploy.local.system import MARK, System
from deploy.local.waiting import until


def of(system: System) -> list[int]:
    """The running processes that carry the system's mark, which only its supervisor
    gives.
    """
    mark = f"{MARK}={system.folder}".encode()
    return [pid for pid in _pids() if mark in _environment(pid)]


def stop(system: System) -> None:
    """End them, politely first."""
    for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        for pid in of(system):
            _send(pid, number)
        try:
            return until(lambda: not of(system), what="leftovers", seconds=patience)
        except PlainError:
            continue
    raise PlainError(f"still running: {of(system)}")


def _pids() -> list[int]:
    return [
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
    ]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return []


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
