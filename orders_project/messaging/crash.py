"""Named moments at which a test may have a process die, as by a power cut.

The variable CRASH_POINTS names a folder; a file in it that is called like a moment arms
it for the first process that comes by. Without it, as everywhere but in tests/faults,
nothing is looked up.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

FOLDER = os.environ.get("CRASH_POINTS")


def crash_point(moment: str, where: str = "") -> None:
    """Die here if a test has armed this moment, of this queue or task."""
    if FOLDER:
        _die_if_armed(Path(FOLDER), f"{moment}, {where}" if where else moment)


def _die_if_armed(folder: Path, name: str) -> None:
    # Renaming is for one process alone, and tells the test that somebody was here.
    with suppress(FileNotFoundError):
        (folder / name).rename(folder / f"{name}.hit")
        os.kill(os.getpid(), signal.SIGKILL)
