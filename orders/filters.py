"""What a list of orders can be narrowed to, and how it is cut into pages."""

from django_filters import rest_framework as filters
from rest_framework.pagination import CursorPagination

from orders.models import Order


class OrderFilter(filters.FilterSet):  # type: ignore[misc]
    created = filters.IsoDateTimeFromToRangeFilter(field_name="created_at")

    class Meta:
        model = Order
        fields = ("status", "method", "priority", "country", "reference")


class NewestFirst(CursorPagination):
    # A UUIDv7 grows with time, so that the primary key alone gives the order.
    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class BySku(CursorPagination):
    ordering = "sku"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
