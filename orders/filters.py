"""What a list of orders can be narrowed to, and how it is cut into pages."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from rest_framework import exceptions
from rest_framework.exceptions import NotFound
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.settings import api_settings

from orders.errors import UnknownParameterError
from orders.lifecycle import OPEN, STATUSES
from orders.models import Order
from orders_project.messaging.events import first_id

#: DRF's own, which picks the form of the answer.
FORMAT = api_settings.URL_FORMAT_OVERRIDE
MOST_WORDS = 10
#: Seconds. The id is by the clock of the web process, which may be wrong by hours.
APART = 24 * 60 * 60


class Moment(IsoDateTimeField):  # type: ignore[misc]
    """A time in UTC: unlike Python PostgreSQL knows no zone that is 16 hours away."""

    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"]) from None


class Time(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = Moment


def a_time(comparison: str, apart: float) -> Time:
    # Two filters, since errors of a range bear its name, which no request has.
    def within(
        orders: QuerySet[Order], _name: str, moment: datetime
    ) -> QuerySet[Order]:
        # By the ids as well, in whose order the list is: by the time alone a page of
        # last year would read every order since.
        bound = first_id(moment, later=apart)
        limits = {f"created_at__{comparison}": moment, f"id__{comparison}": bound}
        return orders.filter(**limits)

    return Time(
        field_name="created_at",
        lookup_expr=comparison,
        method=within,
        error_messages={"invalid": "A time of ISO 8601, such as 2026-05-01T12:00:00Z."},
    )


class OrderFilter(filters.FilterSet):  # type: ignore[misc]
    """By what has an index or is frequent: for a rare word all orders would be read."""

    status = filters.ChoiceFilter(
        choices=[(status, status) for status in STATUSES], method="in_status"
    )
    created_after = a_time("gte", -APART)
    created_before = a_time("lte", APART)

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
    parameters = (CursorPagination.cursor_query_param, page_size_query_param)

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position and not self.is_sound(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def is_sound(self, position: str) -> bool:
        return "\0" not in position

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        # DRF's own says nullable, which OpenAPI 3.1 does not know.
        link = {"type": ["string", "null"], "format": "uri"}
        fields = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": [*fields], "properties": fields}


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


class Search(SearchFilter):
    """A few words: each is looked for in three columns of every product there is."""

    search_description = f"At most {MOST_WORDS} words, all of them to be found."

    def get_search_terms(self, request: Request) -> list[str]:
        try:
            words: list[str] = super().get_search_terms(request)
        except exceptions.ValidationError as error:
            # DRF's own does not say which parameter it is.
            raise self._wrong(error.detail) from None
        if len(words) > MOST_WORDS:
            raise self._wrong(f"At most {MOST_WORDS} words.")
        return words

    def _wrong(self, why: Any) -> exceptions.ValidationError:
        return exceptions.ValidationError({self.search_param: why})


class KnownParameters(BaseFilterBackend):
    """Refuses what nobody would read: the list would seem to be narrowed by it.

    A view's `parameters` are those of its own filters.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        known = (*view.parameters, *view.pagination_class.parameters, FORMAT)
        unknown = sorted(set(request.query_params) - set(known))
        if unknown:
            raise UnknownParameterError(unknown, known)
        return queryset
