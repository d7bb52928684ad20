"""What the project itself does at night, over all apps."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils.timezone import now

from orders_project.reconciler import Finding
from orders_project.reconciler import reconcile as run

logger = logging.getLogger(__name__)


# Far longer than any handler may take, and below the 30 minutes after which the broker
# takes a message back that is not acknowledged.
@shared_task(
    name="orders_project.tasks.reconcile", soft_time_limit=1500, time_limit=1600
)
def reconcile() -> str:
    """Compare apps and gateway, mend what is safe, put the rest on the desk."""
    since = now() - timedelta(days=settings.RECONCILE_DAYS)
    mended: list[Finding] = []
    left: list[Finding] = []
    for report in run(since, grace=settings.RECONCILE_GRACE_SECONDS, repair=True):
        mended += report.mended
        left += report.left
    for finding in left:
        logger.error("The reconciler leaves to a person: %s", finding)
    return f"{len(mended)} mended, {len(left)} left"
