"""`manage.py nudge`: send an order's events again, and start its chains again."""

from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders_project.messaging import nudging, people
from orders_project.messaging.models import LoggedEvent


class Command(BaseCommand):
    help = (
        "Send every event of these orders again, and start their payment and shipping "
        "again where they have stalled. Who has handled an event skips it, who missed "
        "it handles it now. Example: "
        "manage.py nudge 01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "order", type=people.order_id, nargs="+", help="an order's id"
        )

    def handle(self, *, order: list[str], **_options: Any) -> None:
        _require_known(order)
        count = nudging.nudge(order, by=people.user())
        self.stdout.write(f"Events on their way again: {count}.")


def _require_known(order_ids: Sequence[str]) -> None:
    logged = LoggedEvent.objects.filter(order_id__in=order_ids)
    known = {str(one) for one in logged.values_list("order_id", flat=True)}
    if unknown := sorted(set(order_ids) - known):
        raise CommandError(
            f"Nothing was sent, for no event of these orders is in the log: "
            f"{', '.join(unknown)}. Are the ids right, and is this the database?"
        )
