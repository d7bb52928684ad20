"""Progress and complaints go to standard error, results to standard output."""

import sys
from typing import TextIO


def say(line: str) -> None:
    """What goes on, for the person who waits."""
    _write(sys.stderr, f"[{line}]")


def complain(error: Exception) -> None:
    _write(sys.stderr, str(error))


def tell(text: str) -> None:
    """What was asked for."""
    _write(sys.stdout, text)


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
