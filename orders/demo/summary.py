"""The figures of a demo run, from the tables of the orders it placed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import Any, NamedTuple

from rich.table import Table

from orders.lifecycle import CANCELLED, COMPLETED
from orders_project.database import sql

ENDS = """
    SELECT id::text, status, reason, extract(epoch FROM completed_at)::float8,
        extract(epoch FROM coalesce(completed_at, cancelled_at))::float8
    FROM orders_order WHERE id = ANY(%s::uuid[])
"""
EVENTS = "SELECT count(*) FROM messaging_event WHERE order_id = ANY(%s::uuid[])"


class Summary(NamedTuple):
    """Latency is from just before the POST to the order's completion, in ms."""

    placed: int
    completed: int
    cancelled: Counter[str]
    seconds: float
    latency_ms: dict[str, float]
    events: int
    promises_kept: bool

    @property
    def orders_per_second(self) -> float:
        return self.placed / self.seconds

    def figures(self) -> dict[str, Any]:
        """Return what `--json` writes."""
        return {
            "placed": self.placed,
            "completed": self.completed,
            "cancelled": self.cancelled.total(),
            "seconds": round(self.seconds, 3),
            "orders_per_second": round(self.orders_per_second, 1),
            "latency_ms": self.latency_ms,
            "promises_kept": self.promises_kept,
        }

    def table(self) -> Table:
        table = Table("", "", title="Summary", show_header=False)
        for name, value in self._rows().items():
            table.add_row(name, value)
        return table

    def _rows(self) -> dict[str, str]:
        reasons = (f"  {why}: {count}" for why, count in self.cancelled.most_common())
        return {
            "placed": str(self.placed),
            "completed": str(self.completed),
            "cancelled": "\n".join([str(self.cancelled.total()), *reasons]),
            "orders/s": f"{self.orders_per_second:.1f} ({self.seconds:.1f} s)",
            "POST to completed": ", ".join(
                f"{name} {value:,.0f} ms" for name, value in self.latency_ms.items()
            ),
            "events": str(self.events),
            "promises kept": "yes" if self.promises_kept else "no",
        }


def summarise(posted: Mapping[str, float], *, promises_kept: bool) -> Summary:
    """Sum up orders that are all at their end; `posted` is when each was sent."""
    ends = sql.fetch(ENDS, [list(posted)])
    [(events,)] = sql.fetch(EVENTS, [list(posted)])
    waits = [
        done - posted[one] for one, status, _, done, _ in ends if status == COMPLETED
    ]
    return Summary(
        placed=len(ends),
        completed=len(waits),
        cancelled=Counter(why for _, status, why, *_ in ends if status == CANCELLED),
        seconds=max(end for *_, end in ends) - min(posted.values()),
        latency_ms=percentiles(waits),
        events=events,
        promises_kept=promises_kept,
    )


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 in ms; of nothing, zeros."""
    # Two at least; and inclusive, or p99 of few would be above the slowest of them.
    some = seconds if len(seconds) > 1 else [*seconds, *seconds] or [0.0, 0.0]
    cuts = quantiles(some, n=100, method="inclusive")
    return {f"p{at}": round(cuts[at - 1] * 1000, 1) for at in (50, 95, 99)}
