"""What was sent to whom; and what failed is sent again, through services."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications import selectors, services
from notifications.delivery import CHANNELS
from notifications.models import Notification
from notifications.wording import SUBJECTS
from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.panels import Rows, panel


@admin.register(Notification)
class NotificationAdmin(ReadOnly, Growing):
    list_display = ("order_id", "milestone", "channel", "status", "reason", "changed")
    list_filter = (
        "status",
        one_of("channel", lambda: CHANNELS),
        one_of("milestone", lambda: SUBJECTS),
    )
    search_help_text = "The whole id of an order"
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.change_notification")

    @admin.action(description="Send again what failed", permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Notification]) -> None:
        numbers = list(chosen.values_list("pk", flat=True))
        count = services.send_numbers_again(numbers, by=request.user.get_username())
        left = len(numbers) - count
        messages.success(request, f"On their way again: {count}.")
        if left:
            messages.warning(request, f"{left} did not fail, and were left alone.")


@panel("Notifications")
def notifications_panel(order_id: str) -> Rows:
    return [
        (f"{one.milestone} by {one.channel}", _status(one))
        for one in selectors.of_order(order_id)
    ]


def _status(one: Notification) -> str:
    return f"{one.status}, {one.changed:%Y-%m-%d %H:%M:%S} UTC {one.reason}".rstrip()
