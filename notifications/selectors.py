"""What there is to know about notifications. Reads only."""

from django.db.models import QuerySet

from notifications.models import Notification


def of_order(order_id: str) -> QuerySet[Notification]:
    return Notification.objects.filter(order_id=order_id).order_by("id")
