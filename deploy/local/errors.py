"""The one exception that is meant for a person, and who shows it."""

from collections.abc import Callable
from functools import wraps

from deploy.local import signals
from deploy.local.say import complain

Main = Callable[[list[str]], int | None]


class PlainError(Exception):
    """Printed without a traceback: it says what to do next."""


def plainly(main: Main) -> Callable[[list[str]], int]:
    """Have a program show a PlainError without traceback, and tidy up at Ctrl-C."""

    @wraps(main)
    def program(words: list[str]) -> int:
        signals.hear()
        try:
            return main(words) or 0
        except PlainError as error:
            complain(error)
            return 1
        except signals.Interrupted as interrupt:
            return interrupt.code

    return program
