"""The figures as tables of words, for the terminal and for the admin alike."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from audit import analytics

DEFAULT_HOURS = 24
MAX_HOURS = 24 * 90


class Report(NamedTuple):
    """A table with its heading, and a note where it is empty."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def note(self) -> str:
        return "" if self.rows else "Nothing in this time."


def reports(start: datetime, end: datetime) -> Iterator[Report]:
    """Yield every table of the figures between two times."""
    yield Report(
        "Orders",
        ("hour", "created", "paid", "cancelled"),
        [
            (hour(one.hour), f"{one.created:,}", f"{one.paid:,}", f"{one.cancelled:,}")
            for one in analytics.orders_by_hour(start, end)
        ],
    )
    yield Report(
        "Revenue, in minor units",
        ("hour", "currency", "orders", "revenue"),
        [
            (hour(one.hour), one.currency, f"{one.orders:,}", f"{one.cents:,}")
            for one in analytics.revenue_by_hour(start, end)
        ],
    )
    yield Report(
        "Failures",
        ("hour", "reason", "orders"),
        [
            (hour(one.hour), one.reason, f"{one.orders:,}")
            for one in analytics.failures_by_hour(start, end)
        ],
    )
    yield Report(
        "Retries",
        ("hour", "queue", "events"),
        [
            (hour(one.hour), one.queue, f"{one.events:,}")
            for one in analytics.retries_by_hour(start, end)
        ],
    )
    yield Report(
        "Time in each stage, in seconds",
        ("stage", "orders", "average", "p50", "p95"),
        [
            (one.name, f"{one.orders:,}", *(f"{s:.3f}" for s in one[2:]))
            for one in analytics.stages(start, end)
        ],
    )


def hour(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
