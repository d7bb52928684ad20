"""`manage.py audit --verify`: is the record whole, and as it was written?"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import track

from audit import selectors
from audit.chain import breaks
from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people

#: More would scroll the first ones away; the count is told in any case.
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Check every order's hash chain, and that the event log and the records say "
        "the same. Exits with 1 if anything is wrong. "
        "Example: manage.py audit --verify"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--verify", action="store_true", required=True)
        parser.add_argument(
            "--order", type=people.order_id, help="only this order's records"
        )

    @long_statements(MAINTENANCE)
    def handle(self, *, order: str | None, **_options: Any) -> None:
        records, events = selectors.records(order), selectors.logged(order)
        if order and not (records.exists() or events.exists()):
            raise CommandError(f"Nothing is known of order {order}; is the id right?")
        recorded = records.count()
        found = self._check(order, recorded)
        first = list(islice(found, SHOWN))
        for violation in first:
            self.stdout.write(violation)
        wrong = len(first) + sum(1 for _ in found)
        checked = f"Checked {recorded:,} records against {events.count():,} events"
        if wrong:
            raise CommandError(
                f"{checked}: {wrong:,} violations, the first: {first[0]}"
            )
        self.stdout.write(f"{checked}: every chain verifies, and nothing is missing.")

    def _check(self, order: str | None, total: int) -> Iterator[str]:
        links = track(
            selectors.links(order), "Verifying", total, disable=not self.stdout.isatty()
        )
        return chain(breaks(links), selectors.incomplete(order))
