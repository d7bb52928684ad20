"""`manage.py queues`: what RabbitMQ's management API says of every queue."""

import time
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.live import Live
from rich.table import Table

from orders_project.messaging import inspection, people

COLUMNS = ("ready", "unacked", "consumers", "in/s", "out/s", "acked/s")


class Command(BaseCommand):
    help = (
        "Print depth, unacknowledged messages, consumers and rates of every queue, "
        "from RabbitMQ's management API. Examples: manage.py queues; "
        "manage.py queues --watch 2"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--watch",
            type=people.decimal(0.1, people.LONGEST_WAIT),
            metavar="SECONDS",
            help="print anew until Ctrl-C",
        )

    def handle(self, *, watch: float | None, **_options: Any) -> None:
        if not watch:
            Console().print(table())
            return
        with suppress(KeyboardInterrupt), Live(table(), auto_refresh=False) as live:
            while True:
                time.sleep(watch)
                live.update(table(), refresh=True)


def table() -> Table:
    shown = Table("queue", title="Queues")
    for column in COLUMNS:
        shown.add_column(column, justify="right")
    for queue in inspection.queues():
        numbers = (
            queue.get("messages_ready", 0),
            queue.get("messages_unacknowledged", 0),
            queue.get("consumers", 0),
            *(_rate(queue, kind) for kind in ("publish", "deliver_get", "ack")),
        )
        shown.add_row(queue["name"], *(f"{number:g}" for number in numbers))
    return shown


def _rate(queue: dict[str, Any], kind: str) -> float:
    stats = queue.get("message_stats", {})
    return float(stats.get(f"{kind}_details", {}).get("rate", 0))
