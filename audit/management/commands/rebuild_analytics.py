"""`manage.py rebuild_analytics`: make the figures anew from the event log."""

from typing import Any

from django.core.management.base import BaseCommand
from rich.progress import Progress

from audit import selectors, services
from orders_project.database.silence import MAINTENANCE, long_statements


class Command(BaseCommand):
    help = (
        "Make the figures of every order in the event log anew, while the system runs. "
        "Orders whose events are no longer kept stay as they are. "
        "Example: manage.py rebuild_analytics"
    )

    @long_statements(MAINTENANCE)
    def handle(self, **_options: Any) -> None:
        done = 0
        with Progress(disable=not self.stdout.isatty()) as progress:
            bar = progress.add_task("Rebuilding", total=selectors.count_orders())
            for order_ids in selectors.order_batches():
                services.measure_again(order_ids)
                done += len(order_ids)
                progress.update(bar, completed=done)
        self.stdout.write(f"The figures of {done:,} orders were made anew.")
