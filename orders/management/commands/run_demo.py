"""`manage.py run_demo`: orders over HTTP, and the proof after them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string
from rich.console import Console

from orders.demo.client import CONNECTIONS
from orders.demo.display import Display
from orders.demo.shopping import Shopping
from orders.demo.summary import Summary, summarise
from orders.demo.watching import StuckError, watch


class Command(BaseCommand):
    help = (
        "Place orders of the demo's data over HTTP, wait until each is completed or "
        "cancelled, check every promise, and print a summary. "
        "Example: manage.py run_demo --url http://127.0.0.1:8000 --orders 300"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", required=True, help="where the API answers")
        parser.add_argument("--orders", type=int, default=300, help="default: 300")
        parser.add_argument(
            "--rate", type=float, help="orders per second; default: as fast as it goes"
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
        if urlsplit(url).scheme not in CONNECTIONS:
            raise CommandError(f"--url is {url!r}; it starts with http:// or https://")
        if orders < 1 or (rate is not None and rate <= 0):
            raise CommandError("--orders takes 1 or more, --rate more than 0.")
        posted = _run(url, orders, rate)
        summary = summarise(posted, violations=self._verify())
        Console().print(summary.table())
        if json:
            _write(json, summary)
        if summary.violations:
            raise CommandError(f"{summary.violations} promises were broken, see above.")

    def _verify(self) -> int:
        try:
            call_command("verify")
        except (CommandError, SystemExit) as error:
            self.stderr.write(str(error))
            # By name: the promises know every app, and no app knows them.
            violations = import_string("orders_project.promises.violations")
            return max(1, len(list(violations())))
        return 0


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
