"""The records and the figures in the admin, to read."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit import selectors
from audit.models import AuditRecord, OrderFact
from audit.reports import DEFAULT_HOURS, MAX_HOURS, reports
from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.messaging.desk.selectors import masked
from orders_project.messaging.events import EVENTS, utc_now
from orders_project.panels import Rows, panel

#: The page has to answer in seconds; the command takes its time.
HEAVY_HOURS = 24
#: Of thousands of digits Python makes no number, but an error.
MOST_DIGITS = len(str(MAX_HOURS))
#: What may be wrong with an order's records, the worst first. What is said a moment
#: before it is recorded is no harm.
JUDGED: Sequence[tuple[str, Callable[[str], Iterator[str]]]] = (
    ("NO", selectors.altered),
    ("not yet complete", selectors.missing),
    ("NO", selectors.causeless),
)


def verdict(order_id: str) -> str:
    """Say whether an order's records are whole and as written, or what is not."""
    for judgement, look in JUDGED:
        if found := next(look(order_id), None):
            return f"{judgement}. {found}"
    return "yes"


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnly, Growing):
    list_display = ("time", "order_id", "seq", "type", "event_id")
    list_filter = (one_of("type", lambda: sorted(EVENTS)),)
    ids = ("order_id", "event_id")
    search_help_text = "The whole id of an order or of an event"
    exclude = ("body",)
    readonly_fields = ("said", "chain_verifies")

    @admin.display(description="Body, without personal data")
    def said(self, record: AuditRecord) -> str:
        return masked(record.body)

    @admin.display(description="The order's chain verifies")
    def chain_verifies(self, record: AuditRecord) -> str:
        return verdict(str(record.order_id))


@admin.register(OrderFact)
class AnalyticsAdmin(ReadOnly):
    """Tables by hour in place of a list of orders."""

    def changelist_view(
        self, request: HttpRequest, *_args: object, **_options: object
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        hours, end = asked_hours(request), utc_now()
        context = {
            **self.admin_site.each_context(request),
            "title": f"Analytics of the last {hours} hours",
            "choices": (1, 24, 24 * 7, 24 * 30),
            "reports": reports(
                end - timedelta(hours=hours), end, heavy_hours=HEAVY_HOURS
            ),
        }
        return TemplateResponse(request, "audit/analytics.html", context)


def asked_hours(request: HttpRequest) -> int:
    """Return `?hours=`, or the default for what is no sensible number of hours."""
    text = request.GET.get("hours", "")
    hours = int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else 0
    return hours if 0 < hours <= MAX_HOURS else DEFAULT_HOURS


@panel("Audit")
def audit_panel(order_id: str) -> Rows:
    """Show an order's records, and whether they are as they were written."""
    return [
        ("chain verifies", verdict(order_id)),
        *(
            (f"{one.seq}. {one.type}", f"{one.time:%Y-%m-%d %H:%M:%S.%f} {one.hash}")
            for one in selectors.records(order_id)
        ),
    ]
