"""`manage.py reconcile`: do all apps and the gateway tell the same story?"""

import re
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders_project.messaging import people
from orders_project.reconciler import Report, reconcile
from orders_project.reconciler.running import AlreadyRunningError

PROGRESS_SECONDS = 2.0
#: A year, in seconds: all that is younger is left out.
LONGEST_GRACE = 365 * 24 * 60 * 60
SPANS = {"d": "days", "h": "hours", "m": "minutes"}


class Command(BaseCommand):
    help = (
        "Compare the gateway's and the carrier's books, payments, stock and shipments "
        "with the orders, and say of each difference what helps; with --repair do what "
        "is safe, and put the rest on the failed-order desk. Exits 1 when something is "
        "left. Examples: manage.py reconcile; "
        "manage.py reconcile --repair --since 2026-01-01"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="mend what is safe to mend"
        )
        parser.add_argument(
            "--since",
            type=_moment,
            default=f"{settings.RECONCILE_DAYS}d",
            help="orders made, and entries of gateway and carrier written, since "
            "then: a date such as 2026-01-31, or a time ago such as 12h or 30d; older "
            "orders that have not ended are always looked at. Default: %(default)s",
        )
        parser.add_argument(
            "--grace",
            type=people.decimal(0, LONGEST_GRACE),
            default=settings.RECONCILE_GRACE_SECONDS,
            help="what moved in the last seconds is on its way. Default: %(default)s",
        )

    def handle(
        self, *, repair: bool, since: datetime, grace: float, **_options: Any
    ) -> None:
        try:
            reports = reconcile(since, grace=grace, repair=repair)
            shown = self._shown(reports, grace)
            left = sum(self._tell(one, repair=repair) for one in shown)
        except AlreadyRunningError as error:
            raise CommandError(str(error)) from error
        if left:
            raise CommandError(f"{left} differences are left.")

    def _tell(self, report: Report, *, repair: bool) -> int:
        for finding in report.mended:
            self.stdout.write(f"Mended: {finding}")
        for finding in report.left:
            self.stdout.write(finding.after_repair() if repair else str(finding))
        return len(report.left)

    def _shown(self, reports: Iterable[Report], grace: float) -> Iterator[Report]:
        """Pass the reports on, and say at times and at the end how far they got."""
        started = said = time.monotonic()
        count = 0
        for report in reports:
            yield report
            count += report.looked_at
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                self.stderr.write(f"{count} orders looked at ..")
        took = time.monotonic() - started
        self.stderr.write(f"{count} orders looked at in {took:.1f} s{_but(grace)}.")


def _but(grace: float) -> str:
    return f"; what moved within the last {grace:g} s is left out" if grace else ""


def _moment(text: str) -> datetime:
    try:
        if ago := re.fullmatch(r"(\d{1,5})([dhm])", text):
            return datetime.now(UTC) - timedelta(**{SPANS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(
            f"{text!r} is no time. Write 2026-01-31, or a time ago: 12h, 30d"
        ) from None
    return _past(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _past(moment: datetime) -> datetime:
    # From then on there is nothing, and a mistyped year would pass for a clean run.
    if moment > datetime.now(UTC):
        raise ArgumentTypeError(f"{moment:%Y-%m-%d %H:%M} is still to come")
    return moment
