"""`manage.py receive_stock`: units come in from a supplier."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError

from inventory import services
from orders_project import skus
from orders_project.messaging import people

#: What the column holds.
MOST = 2**31 - 1
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Add units to the stock of skus, or of every sku in CATALOGUE_FILES. "
        "Examples: manage.py receive_stock; "
        "manage.py receive_stock TEAPOT KETTLE --units 20"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sku", nargs="*", help="default: all in CATALOGUE_FILES")
        parser.add_argument(
            "--units", type=people.whole(1, MOST), default=1000, help="default: 1000"
        )

    def handle(self, *, sku: list[str], units: int, **_options: Any) -> None:
        wanted = sku or sorted(_skus_in(settings.CATALOGUE_FILES))
        if wrong := [repr(one) for one in wanted if not skus.is_sound(one)]:
            raise CommandError(
                f"Nothing came in. {skus.WORDS} Correct these: {', '.join(wrong)}"
            )
        new = _received(dict.fromkeys(wanted, units))
        self.stdout.write(f"{units} units each of {len(set(wanted))} skus came in.")
        if new:
            self.stdout.write(f"New in stock: {_named(new)}")


def _received(quantities: dict[str, int]) -> list[str]:
    try:
        return services.receive_stock(quantities)
    except DataError:
        raise CommandError(
            f"Nothing came in: of some sku more than {MOST} units would have been "
            "received. Give fewer --units."
        ) from None


def _named(new: Sequence[str]) -> str:
    more = len(new) - SHOWN
    tail = [f"... and {more} more"] if more > 0 else []
    return ", ".join([*new[:SHOWN], *tail])


def _skus_in(files: Iterable[Path]) -> set[str]:
    found: set[str] = set()
    for file in files:
        with file.open(newline="", encoding="utf-8") as lines:
            found |= {row["sku"] for row in csv.DictReader(lines)}
    return found
