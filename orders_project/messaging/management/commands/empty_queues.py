"""`manage.py empty_queues`: for a database that was restored from a backup."""

from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from kombu import Connection

from orders_project.messaging.broker import empty, heard, reached

WARNING = """Every message in every queue of Waybill is thrown away, dead letters too.
Stop relay and workers first. Orders that the database knows lose nothing: what was
said in the last two hours before the backup is sent again from its log, and what open
orders miss. Type 'yes' to go on: """


class Command(BaseCommand):
    help = (
        "Throw away every message in the broker, after the database was restored from "
        "a backup: messages of orders that it has forgotten would make shipments for "
        "nobody. Then start everything; relay and sweeper send again what is missed. "
        "Example: manage.py empty_queues --no-input"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-input", action="store_true", help="do not ask before")

    def handle(self, *, no_input: bool, **_options: Any) -> None:
        if not no_input and not _agreed():
            raise CommandError("Nothing was thrown away.")
        with reached() as broker:
            _require_unheard(broker)
            thrown = empty(broker)
        for queue, count in thrown.items():
            self.stdout.write(f"{queue}: {count}")
        self.stdout.write(f"Messages thrown away: {sum(thrown.values())}.")


def _agreed() -> bool:
    with suppress(EOFError):  # nobody is there to ask
        return input(WARNING) == "yes"
    return False


def _require_unheard(broker: Connection) -> None:
    # Workers would go on with what they hold, on queues that are not all there.
    if names := heard(broker):
        raise CommandError(
            f"Nothing was thrown away: somebody still hears {', '.join(names)}. Stop "
            "relay and all workers first."
        )
