"""What was sent to whom, to look at: nothing here can be changed or sent again."""

from django.contrib import admin

from notifications import selectors
from notifications.models import Notification
from orders_project.messaging.admin import ReadOnly
from orders_project.panels import Rows, panel


@admin.register(Notification)
class NotificationAdmin(ReadOnly):
    list_display = ("order_id", "milestone", "channel", "status", "reason", "changed")
    list_filter = ("status", "channel", "milestone")
    search_fields = ("order_id__exact",)
    search_help_text = "The whole id of an order"


@panel("Notifications")
def notifications(order_id: str) -> Rows:
    return [
        (f"{one.milestone} by {one.channel}", _status(one))
        for one in selectors.of_order(order_id)
    ]


def _status(one: Notification) -> str:
    return f"{one.status}, {one.changed:%Y-%m-%d %H:%M:%S} UTC {one.reason}".rstrip()
