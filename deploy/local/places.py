"""Where things are: the checkout, its virtual environment, and the folder of the
running systems.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
RUN = ROOT / ".run"


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the checkout's lock of this name; who else wants it waits."""
    RUN.mkdir(mode=0o711, exist_ok=True)
    with (RUN / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield
