"""The figures as tables of words, for the terminal and for the admin alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from audit import analytics

DEFAULT_HOURS = 24
MAX_HOURS = 24 * 90


class Report(NamedTuple):
    """A table with its heading, and a note where it is empty."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Kind(NamedTuple):
    """A report to make. A heavy one sorts every order of its time."""

    title: str
    columns: Sequence[str]
    source: Callable[[datetime, datetime], Sequence[Iterable[Any]]]
    heavy: bool = False


KINDS: Sequence[Kind] = (
    Kind(
        "Orders",
        ("hour", "created", "paid", "cancelled"),
        analytics.orders_by_hour,
    ),
    Kind(
        "Revenue, in minor units",
        ("hour", "currency", "orders", "revenue"),
        analytics.revenue_by_hour,
    ),
    Kind("Failures", ("hour", "reason", "orders"), analytics.failures_by_hour),
    Kind("Retries", ("hour", "queue", "events"), analytics.retries_by_hour),
    Kind(
        "Time in each stage, in seconds",
        ("stage", "orders", "average", "p50", "p95"),
        analytics.stages,
        heavy=True,
    ),
)
WORDS: Mapping[type, Callable[[Any], str]] = {
    datetime: "{:%Y-%m-%d %H:%M}".format,
    int: "{:,}".format,
    float: "{:.3f}".format,
    str: str,
}


def reports(
    start: datetime, end: datetime, *, heavy_hours: int = MAX_HOURS
) -> Iterator[Report]:
    """Yield every table of the figures between two times.

    Of heavy ones over more than `heavy_hours` only a note that names the command.
    """
    hours = (end - start) // timedelta(hours=1)
    for kind in KINDS:
        if kind.heavy and hours > heavy_hours:
            yield Report(kind.title, kind.columns, (), _elsewhere(hours))
        else:
            yield _report(kind, start, end)


def _report(kind: Kind, start: datetime, end: datetime) -> Report:
    rows = [_words(row) for row in kind.source(start, end)]
    return Report(
        kind.title, kind.columns, rows, "" if rows else "Nothing in this time."
    )


def _words(row: Iterable[Any]) -> list[str]:
    return [WORDS[type(value)](value) for value in row]


def _elsewhere(hours: int) -> str:
    return f"That takes long for so many orders: manage.py analytics --hours {hours}"
