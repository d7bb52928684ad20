"""A system for as long as one command runs, whatever ends it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import lifecycle
from deploy.local.places import RUN
from deploy.local.signals import unheard
from deploy.local.system import System


@contextmanager
def short_lived(kind: str) -> Iterator[System]:
    """A fresh system of this process's own, removed at the end."""
    _remove_orphans(kind)
    system = System(f"{kind}-{os.getpid()}")
    try:
        yield system
    finally:
        with unheard():
            # In silence: the last words are those of the command.
            lifecycle.remove(system)


def _remove_orphans(kind: str) -> None:
    """Folders of runs that were killed before they could tidy up."""
    for folder in RUN.glob(f"{kind}-*"):
        if folder.is_dir() and not Path(f"/proc/{folder.name.split('-')[1]}").exists():
            lifecycle.remove(System.load(folder.name))
