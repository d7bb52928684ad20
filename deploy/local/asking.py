"""What bin/demo may be asked for, refused before a system is started to run it.

`manage.py run_demo`, which gets the same words, would refuse them half a minute later;
the limits are its own.
"""

import math
from argparse import ArgumentParser, ArgumentTypeError

USAGE = "bin/demo [--orders N] [--rate N] [--json FILE]"
MOST_ORDERS = 1_000_000
LEAST_RATE, MOST_RATE = 0.01, 10_000


def check(words: list[str]) -> None:
    """End with bin/demo's usage where the words are none that it takes."""
    parser = ArgumentParser(prog="bin/demo", usage=USAGE, allow_abbrev=False)
    parser.add_argument("--orders", type=_orders, help="default: 300")
    parser.add_argument(
        "--rate", type=_rate, help="a second; default: as fast as may be"
    )
    parser.add_argument("--json", metavar="FILE", help="for the figures")
    parser.parse_args(words)


def _orders(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_ORDERS):
        raise ArgumentTypeError(f"{text!r} is no whole number from 1 to {MOST_ORDERS}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ArgumentTypeError(
            f"{text!r} is no number from {LEAST_RATE} to {MOST_RATE}"
        )
    return rate
