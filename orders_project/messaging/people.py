"""What people type into commands, and who they are."""

import getpass
import math
import uuid
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import NoReturn

#: A day: who waits for longer than that has mistyped.
LONGEST_WAIT = 24 * 60 * 60


def order_id(text: str) -> str:
    """Take an order's id from a command line."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no order's id. One looks like this: "
            "01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
        ) from None


def whole(least: int, most: int) -> Callable[[str], int]:
    """Make an argparse type of a whole number's limits; argparse names the option."""

    def number(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            _refuse(text, "whole number", least, most)
        return int(text)

    return number


def decimal(least: float, most: float) -> Callable[[str], float]:
    """Make the same of a number that may have decimals."""

    def number(text: str) -> float:
        value = _value(text)
        # Nor is NaN within any limits.
        if not least <= value <= most:
            _refuse(text, "number", least, most)
        return value

    return number


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _refuse(text: str, what: str, least: float, most: float) -> NoReturn:
    raise ArgumentTypeError(f"{text!r} is no {what} from {least} to {most}")


def user() -> str:
    """Name who types, for what is recorded of it."""
    try:
        return f"{getpass.getuser()} (shell)"
    except (OSError, KeyError):  # a container's user may have no name
        return "shell"
