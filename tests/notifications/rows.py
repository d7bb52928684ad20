"""What the tests of sending ask of the rows."""

from datetime import timedelta

from django.db import connection

from notifications.models import Notification
from orders_project.database.index_scans import BY_KEY
from orders_project.messaging.events import utc_now


def status(order, milestone="created", channel="email"):
    return Notification.objects.get(
        order_id=order.id, milestone=milestone, channel=channel
    )


def make_due():
    Notification.objects.update(due=utc_now() - timedelta(hours=1))


def plan_of(query, *params):
    """Return how a worker's session would run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY)
        cursor.execute(f"EXPLAIN {query}", params)
        return "\n".join(line for (line,) in cursor.fetchall())
