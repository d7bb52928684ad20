"""What the project itself does at night, over all apps."""

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils.timezone import now

from orders_project.reconciler import Report
from orders_project.reconciler import reconcile as run

logger = logging.getLogger(__name__)

#: Below the task's time limits, so that it can say what it did not get to.
NIGHT_SECONDS = 1400
TOO_SHORT = (
    f"Reconciling stopped after {NIGHT_SECONDS} s, before it came to the youngest "
    "orders. They are older in the coming nights; or now: manage.py reconcile --repair"
)


# Far longer than any handler may take, and below the 30 minutes after which the broker
# takes a message back that is not acknowledged.
@shared_task(
    name="orders_project.tasks.reconcile", soft_time_limit=1500, time_limit=1600
)
def reconcile() -> str:
    """Compare apps and gateway, mend what is safe, put the rest on the desk."""
    since = now() - timedelta(days=settings.RECONCILE_DAYS)
    mended = left = 0
    reports = run(since, grace=settings.RECONCILE_GRACE_SECONDS, repair=True)
    for report in _in_time(reports):
        mended += len(report.mended)
        left += len(report.left)
        for finding in report.left:
            logger.error("The reconciler leaves to a person: %s", finding)
    return f"{mended} mended, {left} left"


def _in_time(reports: Generator[Report, None, None]) -> Iterator[Report]:
    end = time.monotonic() + NIGHT_SECONDS
    with closing(reports):
        for report in reports:
            yield report
            if time.monotonic() > end:
                logger.error("%s", TOO_SHORT)
                return
