"""`manage.py analytics`: the figures of the last hours, as tables."""

from argparse import RawDescriptionHelpFormatter
from datetime import timedelta
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from audit import reports
from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people
from orders_project.messaging.events import utc_now

EXAMPLE = """\
example:
  $ manage.py analytics --hours 3
  Orders
    hour              created   paid   cancelled
    2026-11-21 09:00    1,204  1,131          73
  Revenue, Failures, Retries and Time in each stage follow.
"""


class Command(BaseCommand):
    help = "Show orders, revenue, failures and retries by hour, and time in each stage."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLE
        parser.add_argument(
            "--hours",
            type=people.whole(1, reports.MAX_HOURS),
            default=reports.DEFAULT_HOURS,
            help=f"how far back, 1 to {reports.MAX_HOURS} (default: %(default)s)",
        )

    @long_statements(MAINTENANCE)
    def handle(self, *, hours: int, **_options: Any) -> None:
        console = Console(file=cast("IO[str]", self.stdout))
        end = utc_now()
        for report in reports.reports(end - timedelta(hours=hours), end):
            console.print(table(report))


def table(report: reports.Report) -> Table:
    shown = Table(title=report.title, title_justify="left", caption=report.note)
    for column in report.columns:
        shown.add_column(column)
    for row in report.rows:
        shown.add_row(*row)
    return shown
