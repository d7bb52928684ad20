"""Ctrl-C, TERM and a closed terminal as one exception, so that `finally` tidies up
after each of them.
"""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

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


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command on our terminal, and await its cleaning up when interrupted."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return child.wait()
    except Interrupted as interrupt:
        # A terminal tells its whole group of a Ctrl-C; told twice, a test runner
        # skips its own cleaning up.
        told = interrupt.number == signal.SIGINT
        end(child, tell=_nobody if told else child.send_signal)
        raise


def end(
    child: subprocess.Popen[bytes], tell: Callable[[int], None], patience: float = 10
) -> None:
    """Tell it in its own way, wait, and insist only when that does not help."""
    with unheard():
        tell(signal.SIGINT)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _has_ended(child, patience):
                return
            child.send_signal(number)
        child.wait()


def _nobody(number: int) -> None:
    """Tell nobody."""


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _has_ended(child: subprocess.Popen[bytes], patience: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(patience)
    return child.returncode is not None
