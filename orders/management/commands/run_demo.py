"""`manage.py run_demo`: orders over HTTP, and the proof after them."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from orders.demo.client import CONNECTIONS
from orders.demo.display import Display
from orders.demo.shopping import Shopping
from orders.demo.summary import Summary, summarise
from orders.demo.watching import StuckError, watch
from orders_project.messaging import people


class Command(BaseCommand):
    help = (
        "Place orders of the demo's data over HTTP, wait until each is completed or "
        "cancelled, check every promise, and print a summary. "
        "Example: manage.py run_demo --url http://127.0.0.1:8000 --orders 300"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", type=_url, required=True, help="where the API answers"
        )
        # Both as bin/demo has them: deploy/local/asking.py.
        parser.add_argument(
            "--orders",
            type=people.whole(1, 1_000_000),
            default=300,
            help="default: 300",
        )
        parser.add_argument(
            "--rate",
            # Between slower ones the orders would be taken for stuck.
            type=people.decimal(0.01, 10_000),
            help="orders per second; default: as fast as it goes",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="the figures")

    def handle(
        self,
        *,
        url: str,
        orders: int,
        rate: float | None,
        json: Path | None,
        **_options: Any,
    ) -> None:
        posted = _run(url, orders, rate)
        summary = summarise(posted, promises_kept=self._kept())
        Console().print(summary.table())
        if json:
            _write(json, summary)
        if not summary.promises_kept:
            raise CommandError("The promises are not proven to be kept, see above.")

    def _kept(self) -> bool:
        try:
            call_command("verify")
        except CommandError as error:
            self.stderr.write(str(error))
            return False
        return True


def _url(text: str) -> str:
    if urlsplit(text).scheme not in CONNECTIONS:
        raise ArgumentTypeError(f"{text!r} does not begin with http:// or https://")
    return text


def _run(url: str, orders: int, rate: float | None) -> dict[str, float]:
    try:
        with Shopping(url, orders, rate) as shopping, Display(orders) as display:
            for counts in watch(lambda: [*shopping.posted], orders):
                display.show(counts)
                if shopping.failure:
                    raise CommandError(f"Could not order: {shopping.failure}")
    except StuckError as error:
        raise CommandError(str(error)) from None
    return shopping.posted


def _write(file: Path, summary: Summary) -> None:
    file.write_text(json.dumps(summary.figures(), indent=2) + "\n", encoding="utf-8")
