"""`manage.py nudge`: send an order's events again."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from orders_project.messaging import outbox


class Command(BaseCommand):
    help = (
        "Send every event of an order again. Who has handled one skips it, who missed "
        "one handles it now. Example: "
        "manage.py nudge 01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", type=uuid.UUID, nargs="+", help="an order's id")

    @transaction.atomic
    def handle(self, *, order: list[uuid.UUID], **_options: Any) -> None:
        count = outbox.resend(str(one) for one in order)
        if not count:
            raise CommandError("No event of this order is in the log; is the id right?")
        self.stdout.write(f"{count} events are on their way again.")
