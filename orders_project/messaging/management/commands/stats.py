"""`manage.py stats`: how many events each queue handled, retried and buried."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from orders_project.database import sql
from orders_project.messaging import backlog, people

#: In hours. PostgreSQL has no time that is much longer ago.
TEN_YEARS = 10 * 365 * 24
OUTCOMES = ("handled", "retried", "dead")
COUNTS = """
    SELECT queue, outcome, sum(events) FROM messaging_work
    WHERE at > now() - make_interval(hours => %s) GROUP BY queue, outcome
"""
NUDGES = """
    SELECT by, count(*) FROM messaging_nudge
    WHERE at > now() - make_interval(hours => %s) GROUP BY by ORDER BY by
"""

WAITING = f"""
    SELECT count(*), extract(epoch FROM now() - min(due))::int FROM {backlog.due()}
"""


class Command(BaseCommand):
    help = (
        "Print how many events each queue processed, retried and gave up on, and how "
        "often orders were nudged, by whom; and what waits for the broker. "
        "Example: manage.py stats --hours 1"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--hours", type=people.whole(1, TEN_YEARS), default=24, help="default: 24"
        )

    def handle(self, *, hours: int, **_options: Any) -> None:
        counts = {(queue, what): n for queue, what, n in sql.fetch(COUNTS, [hours])}
        shown = Table("queue", title=f"Events of the last {hours} h")
        for title in ("processed", "retried", "failed for good"):
            shown.add_column(title, justify="right")
        for queue in sorted({queue for queue, _ in counts}):
            shown.add_row(queue, *(str(counts.get((queue, o), 0)) for o in OUTCOMES))
        for by, count in sql.fetch(NUDGES, [hours]):
            shown.add_row(f"nudges by {by}", str(count))
        console = Console()
        console.print(shown)
        console.print(_waiting())


def _waiting() -> str:
    [(count, seconds)] = sql.fetch(WAITING)
    if not count:
        return "Nothing waits for the broker."
    return f"{count} parcels wait for the broker, the oldest for {seconds} s."
