"""The dead letters in the admin, to read."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from orders_project.messaging.models import DeadLetter


class ReadOnly(admin.ModelAdmin):
    """Shown, never edited: what these rows say is what happened."""

    list_per_page = 50
    # These tables grow without end, and counting them all takes a scan.
    show_full_result_count = False

    def has_add_permission(self, *_args: object) -> bool:
        return False

    def has_change_permission(self, *_args: object) -> bool:
        return False

    def has_delete_permission(self, *_args: object) -> bool:
        return False


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly):
    list_display = ("parked", "queue", "type", "order_id", "reason", "attempts")
    list_filter = ("queue", "type", "parked")
    search_fields = ("=order_id", "=event_id", "reason")
    date_hierarchy = "parked"
    exclude = ("body", "traceback")
    readonly_fields = ("content", "trace")

    @admin.display(description="body")
    def content(self, letter: DeadLetter) -> str:
        return format_html("<pre>{}</pre>", bytes(letter.body).decode(errors="replace"))

    @admin.display(description="traceback")
    def trace(self, letter: DeadLetter) -> str:
        return format_html("<pre>{}</pre>", letter.traceback)

    def has_view_permission(
        self, request: HttpRequest, _letter: DeadLetter | None = None
    ) -> bool:
        return bool(request.user.is_staff)
