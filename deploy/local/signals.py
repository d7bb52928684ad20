"""Ctrl-C, TERM and a closed terminal as one exception, so that `finally` tidies up
after each of them.
"""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from deploy.local.places import ROOT

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants us to end; not an Exception, so that nothing swallows it on the
    way.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.code = 128 + number


def hear() -> None:
    """Raise Interrupted from now on."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)


@contextmanager
def unheard() -> Iterator[None]:
    """A second Ctrl-C must not cut the cleaning up short."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    command: Sequence[object],
    *,
    environment: Mapping[str, str] | None = None,
    output: IO[str] | None = None,
    patience: float = 10,
) -> int:
    """Run a command; an interrupt is passed on, and its own cleaning up awaited."""
    words = [str(word) for word in command]
    child = subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment,
        stdout=output,
        stderr=output and subprocess.STDOUT,
    )
    try:
        return child.wait()
    except Interrupted as interrupt:
        with unheard():
            _end(child, told=interrupt.number == signal.SIGINT, patience=patience)
        raise


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _end(child: subprocess.Popen[bytes], *, told: bool, patience: float) -> None:
    """A terminal tells its whole group of a Ctrl-C; told twice, a test runner skips its
    own cleaning up.
    """
    if not told:
        child.send_signal(signal.SIGINT)
    for number in (signal.SIGTERM, signal.SIGKILL):
        if _has_ended(child, patience):
            return
        child.send_signal(number)
    child.wait()


def _has_ended(child: subprocess.Popen[bytes], patience: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(patience)
    return child.returncode is not None
