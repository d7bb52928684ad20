"""`manage.py topology`: make the broker what topology.py says, or tell what differs."""

from contextlib import suppress
from typing import Any

from amqp.exceptions import PreconditionFailed
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders_project.messaging import inspection
from orders_project.messaging.broker import reached
from orders_project.messaging.reminding import declare_or_remind
from orders_project.messaging.topology import EXCHANGES, QUEUES


class Command(BaseCommand):
    help = (
        "Declare every exchange, queue and binding (--apply), or compare the live "
        "broker with the code and say in words what differs (--check, exits 1). "
        "Example: manage.py topology --check"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--apply", action="store_true", help="declare what is missing"
        )
        what.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *, apply: bool, **_options: Any) -> None:
        if apply:
            # What the broker has with other arguments is told in words below.
            with suppress(PreconditionFailed), reached() as broker:
                declare_or_remind(broker)
        problems = [*inspection.differences(), *(() if apply else inspection.unheard())]
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(
            f"{len(EXCHANGES)} exchanges and {len(QUEUES)} queues are as declared."
        )
