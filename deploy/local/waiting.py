"""Waiting for a condition instead of for a while."""

import time
from collections.abc import Callable

from deploy.local.errors import PlainError

STEP = 0.05


def until(
    condition: Callable[[], bool],
    *,
    what: str,
    seconds: float,
    still: Callable[[], None] = lambda: None,
) -> None:
    """Return as soon as the condition holds; `still` may raise when it never will."""
    deadline = time.monotonic() + seconds
    while not condition():
        still()
        if time.monotonic() > deadline:
            raise PlainError(f"{what}: not within {seconds:.0f} s")
        time.sleep(STEP)
