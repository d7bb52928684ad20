"""Admin pages over tables that grow without end: none reads such a table as a whole.

Django's own would: to offer a column's values as a filter, to count all rows, to sort
by any column, and to find an id, which it compares as a text.
"""

from collections.abc import Callable, Container, Iterable
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from orders_project.uuids import is_uuid

Rows = QuerySet[Any]
#: Further than this nobody turns pages: a filter or a search leads there sooner.
MOST = 10_000
ONE_PAGE = (
    "Nothing was done: here an action takes what is ticked on one page, and not the "
    "whole table."
)


class OrMore(int):
    """A number of which only the least is known."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class Pages(Paginator):
    """Counts no further than MOST."""

    @cached_property
    def count(self) -> int:
        rows: Rows = self.object_list  # type: ignore[assignment]
        count = rows.order_by()[: MOST + 1].count()
        return OrMore(MOST) if count > MOST else count


class Growing(admin.ModelAdmin):
    """Searched by whole values, of columns that have an index, and by no others.

    A term is looked for in `texts`, and in `ids` only if it is a UUID. An action is
    refused for "all on all pages": two clicks would do it to every row there is.
    """

    ids: tuple[str, ...] = ("order_id",)
    texts: tuple[str, ...] = ()
    one_page_at_a_time = True
    list_per_page = 50
    paginator: ClassVar["type[Paginator[Any]]"] = Pages
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def lookup_allowed(
        self, lookup: str, _value: str, request: HttpRequest | None = None
    ) -> bool:
        # Django allows every column: one would read the table for a rare word, or guess
        # letter by letter what the page does not show.
        filters = self.get_list_filter(request)  # type: ignore[arg-type]
        names = [getattr(one, "parameter_name", one) for one in filters]
        return any(lookup in _lookups(str(name)) for name in names)

    def response_action(
        self, request: HttpRequest, *args: Any, **options: Any
    ) -> HttpResponse | None:
        across = request.POST.get("select_across", "0") != "0"
        if self.one_page_at_a_time and across:
            messages.error(request, ONE_PAGE)
            return None
        return super().response_action(request, *args, **options)

    def get_search_fields(self, _request: HttpRequest) -> tuple[str, ...]:
        return self.ids + self.texts

    def get_search_results(
        self, _request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        if not (term := search_term.strip()):
            return queryset, False
        columns = self.texts + (self.ids if is_uuid(term) else ())
        # One statement for each column: an OR of two may have neither's index.
        found = [key for one in columns for key in _keys(queryset, one, term)]
        return queryset.filter(pk__in=found), False


def _lookups(name: str) -> list[str]:
    """Return what a list's address may ask of a filter's column."""
    return [name, *(f"{name}__{how}" for how in ("exact", "gte", "lt", "isnull"))]


def _keys(rows: Rows, column: str, term: str) -> Iterable[Any]:
    found = rows.filter(**{column: term}).order_by("-pk")
    return found.values_list("pk", flat=True)[:MOST]


class ReadOnly(admin.ModelAdmin):
    """Shown, never edited: what these rows say is what happened."""

    def has_add_permission(self, *_args: object) -> bool:
        return False

    def has_change_permission(self, *_args: object) -> bool:
        return False

    def has_delete_permission(self, *_args: object) -> bool:
        return False


def one_of(
    column: str, words: Callable[[], Iterable[str]], *, is_open: Container[str] = ()
) -> type[admin.SimpleListFilter]:
    """Return a list filter whose choices come from the code, and not from the table.

    Rows with a word of `is_open` are few, and found through the index of what is open.
    """

    class OneOf(admin.SimpleListFilter):
        title = parameter_name = column

        def lookups(self, *_args: object) -> list[tuple[str, str]]:
            return [(word, word) for word in words()]

        def queryset(self, _request: HttpRequest, rows: Rows) -> Rows:
            word = self.value()
            rows = rows.filter(is_open=True) if word in is_open else rows
            return rows.filter(**{column: word}) if word else rows

    return OneOf
