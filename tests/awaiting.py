"""Waiting for a condition, never for a time."""

import time


def eventually(condition, *, within=30, every=0.02):
    """Return the first true answer of a condition, or fail with its last one."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Still {answer!r} after {within} s: {condition}")
        time.sleep(every)
    return answer
