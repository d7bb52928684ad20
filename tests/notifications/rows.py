"""What the tests of sending ask of the rows."""

from datetime import timedelta

from notifications.models import Notification
from orders_project.messaging.events import utc_now


def status(order, milestone="created", channel="email"):
    return Notification.objects.get(
        order_id=order.id, milestone=milestone, channel=channel
    )


def make_due():
    Notification.objects.update(due=utc_now() - timedelta(hours=1))
