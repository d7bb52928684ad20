"""What there is to know about notifications. Reads only."""

from django.db.models import QuerySet

from notifications.lifecycle import SENDING
from notifications.models import Notification


def of_order(order_id: str) -> QuerySet[Notification]:
    return Notification.objects.filter(order_id=order_id).order_by("id")


def uncertain() -> QuerySet[Notification]:
    """Return what a worker had in hand: if it died, perhaps sent, never sent again."""
    return Notification.objects.filter(status=SENDING)
