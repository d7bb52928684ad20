"""`manage.py send_again`: mails and text messages that failed, once more."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications import services
from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people


class Command(BaseCommand):
    help = (
        "Send the mails and text messages that failed once more: those of some orders, "
        "or all. One that failed may have gone out all the same, so that nothing else "
        "does this. Example: manage.py send_again 01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "order", type=people.order_id, nargs="*", default=[], help="an order's id"
        )
        which.add_argument("--all", action="store_true", help="all that failed")

    @long_statements(MAINTENANCE)
    def handle(self, *, order: Sequence[str], **_options: Any) -> None:
        count = 0
        for lot in _lots(order, people.user()):
            count += lot
            if lot == services.LOT:
                self.stderr.write(f"{count} messages on their way again ..")
        if not count:
            raise CommandError("Nothing was sent: none of these messages failed.")
        self.stdout.write(f"Messages on their way again: {count}.")


def _lots(order_ids: Sequence[str], by: str) -> Iterable[int]:
    if not order_ids:
        return services.send_all_again(by=by)
    return [services.send_orders_again(order_ids, by=by)]
