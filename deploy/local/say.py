"""Progress for the person who waits, apart from the results on standard output."""

import sys


def say(line: str) -> None:
    print(f"[{line}]", file=sys.stderr, flush=True)
