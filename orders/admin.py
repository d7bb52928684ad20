"""Orders for people: everything about one on one page, and a desk for what failed.

Nothing is written here but through services.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from orders import selectors, services
from orders.lifecycle import OPEN, STATUSES
from orders.models import FailedOrder, Order, OrderLine, Product
from orders_project.errors import ProblemError
from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.messaging import nudging
from orders_project.panels import PANELS
from orders_project.uuids import is_uuid


class Lines(admin.TabularInline):
    model = OrderLine
    fields = readonly_fields = ("sku", "name", "quantity", "unit_cents")
    extra = 0
    can_delete = False

    def has_add_permission(self, *_args: object) -> bool:
        return False

    def has_change_permission(self, *_args: object) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnly, Growing):
    list_display = (
        "id",
        "reference",
        "status",
        "reason",
        "method",
        "priority",
        "country",
        "total",
        "created_at",
    )
    list_filter = (
        one_of("status", lambda: STATUSES, is_open=OPEN),
        "method",
        "priority",
        "created_at",
    )
    ids, texts = ("id",), ("reference", "email")
    search_help_text = "An order's id, reference or email address, the whole of it"
    ordering = ("-id",)
    inlines = (Lines,)
    actions = ("cancel", "nudge")
    exclude = ("payment_token", "total_cents", "currency", "nudges")
    readonly_fields = ("total",)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_order")

    @admin.action(description="Cancel and pay back", permissions=["cancel"])
    def cancel(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        _each(self, request, orders, _cancel)

    @admin.action(description="Nudge: send its events again", permissions=["cancel"])
    def nudge(self, request: HttpRequest, orders: QuerySet[Order]) -> None:
        ids = [str(order.pk) for order in orders]
        count = nudging.nudge(ids, by=request.user.get_username())
        for order in orders:
            self.log_change(request, order, "Nudged.")
        messages.success(request, f"Events on their way again: {count}.")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | _about(object_id)
        )


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("sku", "name", "category", "unit_cents", "currency", "active")
    list_filter = ("active", "category", "sub_category")
    search_fields = ("sku", "name")

    def get_readonly_fields(
        self, _request: HttpRequest, obj: Product | None = None
    ) -> tuple[str, ...]:
        # Another sku would be another product, and this one stay as it was.
        return ("sku",) if obj else ()


class PersonFilter(admin.SimpleListFilter):
    """Of the people at the desk: Django would look for staff among all logins."""

    title = parameter_name = "person"

    def lookups(self, *_args: object) -> list[tuple[str, str]]:
        return [("nobody", "nobody"), *selectors.desk_people()]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if not (chosen := self.value()):
            return rows
        return rows.filter(person=chosen if chosen.isdecimal() else None)


@admin.register(FailedOrder)
class FailedOrderAdmin(Growing):
    """The failed-order desk. To hand one to a person, open it."""

    list_display = ("failed_at", "order_page", "reason", "detail", "person", "again")
    list_filter = (
        one_of("reason", selectors.failure_reasons),
        PersonFilter,
        "failed_at",
    )
    # A list to choose from would be made of all logins, customers' too.
    raw_id_fields = ("person",)
    list_select_related = ("person",)
    ids, texts = ("order",), ("order__reference",)
    search_help_text = "The whole id of an order, or its whole reference"
    fields = ("order_page", "reason", "detail", "failed_at", "again", "person", "note")
    readonly_fields = fields[:-2]
    actions = ("place_again",)

    def has_add_permission(self, *_args: object) -> bool:
        return False

    def has_delete_permission(self, *_args: object) -> bool:
        return False

    def save_model(
        self,
        _request: HttpRequest,
        obj: FailedOrder,
        *_args: object,
    ) -> None:
        services.assign(obj, person=obj.person, note=obj.note)

    @admin.display(description="order")
    def order_page(self, failure: FailedOrder) -> str:
        return _link(failure.order_id)

    @admin.display(description="placed again as")
    def again(self, failure: FailedOrder) -> str:
        return _link(failure.replaced_by_id) if failure.replaced_by_id else "-"

    @admin.action(description="Place again, at the same prices", permissions=["change"])
    def place_again(
        self, request: HttpRequest, failures: QuerySet[FailedOrder]
    ) -> None:
        _each(self, request, failures, _place_again)


def _cancel(order: Order) -> str:
    return f"{services.cancel_order(order.pk, reason='staff').id} is cancelled."


def _place_again(failure: FailedOrder) -> str:
    order = services.place_again(failure)
    return f"{failure.order_id} was placed again as {order.id}."


def _each(
    page: admin.ModelAdmin,
    request: HttpRequest,
    rows: Iterable[Any],
    do: Callable[[Any], str],
) -> None:
    """Do it to each row on its own, and say of each what came of it.

    Who did it stands in the row's history, or it was not done.
    """
    for row in rows:
        try:
            with transaction.atomic():
                said = do(row)
                page.log_change(request, row, said)
            messages.success(request, said)
        except ProblemError as error:
            messages.error(request, _said(error))


def _said(error: ProblemError) -> str:
    reasons = (f"{one['field']}: {one['detail']}" for one in error.errors)
    return " ".join([error.detail, *reasons])


def _about(order_id: str) -> dict[str, Any]:
    """Return what the other apps and the event log know of an order."""
    if not is_uuid(order_id):
        return {}
    return {
        "panels": {title: show(order_id) for title, show in PANELS.items()},
        "timeline": selectors.timeline(order_id, for_staff=True),
    }


def _link(order_id: object) -> str:
    page = reverse("admin:orders_order_change", args=[order_id])
    return format_html('<a href="{}">{}</a>', page, order_id)
