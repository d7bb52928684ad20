"""`manage.py receive_stock`: units come in from a supplier."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inventory import services


class Command(BaseCommand):
    help = (
        "Add units to the stock of skus, or of everything in the demo catalogue. "
        "Examples: manage.py receive_stock; "
        "manage.py receive_stock TEAPOT KETTLE --units 20"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sku", nargs="*", help="default: the demo catalogue's")
        parser.add_argument("--units", type=int, default=1000, help="default: 1000")

    def handle(self, *, sku: list[str], units: int, **_options: Any) -> None:
        if units < 1:
            raise CommandError(f"--units is {units}; it takes 1 or more.")
        skus = sku or sorted(_skus_in(settings.CATALOGUE_FILES))
        services.receive_stock(dict.fromkeys(skus, units))
        self.stdout.write(f"{units} units each of {len(set(skus))} skus came in.")


def _skus_in(files: Iterable[Path]) -> set[str]:
    skus: set[str] = set()
    for file in files:
        with file.open(newline="", encoding="utf-8") as lines:
            skus |= {row["sku"] for row in csv.DictReader(lines)}
    return skus
