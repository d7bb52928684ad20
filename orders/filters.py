"""What a list of orders can be narrowed to, and how it is cut into pages."""

from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from orders.lifecycle import OPEN, STATUSES
from orders.models import Order


class OrderFilter(filters.FilterSet):  # type: ignore[misc]
    """By what has an index or is frequent: for a rare word all orders would be read."""

    status = filters.ChoiceFilter(
        choices=[(status, status) for status in STATUSES], method="in_status"
    )
    created = filters.IsoDateTimeFromToRangeFilter(field_name="created_at")

    class Meta:
        model = Order
        fields = ("status", "method", "priority", "reference")

    def in_status(
        self, orders: QuerySet[Order], _name: str, status: str
    ) -> QuerySet[Order]:
        # Those that are open are few, and have an index of their own.
        orders = orders.filter(is_open=True) if status in OPEN else orders
        return orders.filter(status=status)


class Pages(CursorPagination):
    """Pages that refuse a cursor made up by hand, which the database would choke on."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position and not self.is_sound(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def is_sound(self, position: str) -> bool:
        return "\0" not in position


class NewestFirst(Pages):
    # A UUIDv7 grows with time, so that the primary key alone gives the order.
    ordering = "-id"

    def is_sound(self, position: str) -> bool:
        try:
            UUID(position)
        except ValueError:
            return False
        return True


class BySku(Pages):
    ordering = "sku"
