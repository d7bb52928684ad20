"""`manage.py audit --verify`: is the record whole, and as it was written?"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import track

from audit import selectors
from audit.chain import breaks
from orders_project.database.silence import MAINTENANCE, long_statements

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
        parser.add_argument("--order", type=UUID, help="only this order's records")

    @long_statements(MAINTENANCE)
    def handle(self, *, order: UUID | None, **_options: Any) -> None:
        only = str(order) if order else None
        records, events = selectors.records(only), selectors.logged(only)
        if order and not (records.exists() or events.exists()):
            raise CommandError(f"Nothing is known of order {order}; is the id right?")
        recorded = records.count()
        found = self._check(only, recorded)
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

    def _check(self, only: str | None, total: int) -> Iterator[str]:
        links = track(
            selectors.links(only), "Verifying", total, disable=not self.stdout.isatty()
        )
        return chain(breaks(links), selectors.incomplete(only))
