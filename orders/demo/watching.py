"""Following some orders to their end, for the commands that wait for them."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from orders import lifecycle
from orders_project.database import sql

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.5

COUNT = """
    SELECT status, count(*) FROM orders_order WHERE id = ANY(%s::uuid[]) GROUP BY status
"""
STUCK = """
    SELECT o.id::text, o.status, (
        SELECT type FROM messaging_event e WHERE e.order_id = o.id
        ORDER BY time DESC, id DESC LIMIT 1)
    FROM orders_order o WHERE o.id = ANY(%s::uuid[]) AND o.status = ANY(%s)
    ORDER BY o.id LIMIT 10
"""


class StuckError(Exception):
    """Nothing moved for a long time; the message names the orders."""


def watch(order_ids: Callable[[], Sequence[str]], total: int) -> Iterator[Counter[str]]:
    """Yield how many orders are in which status until all `total` are at their end.

    Raises StuckError when nothing has changed for PATIENCE_SECONDS.
    """
    last: Counter[str] = Counter()
    since = time.monotonic()
    while True:
        counts: Counter[str] = Counter(dict(sql.fetch(COUNT, [list(order_ids())])))
        yield counts
        if ended(counts) >= total:
            return
        if counts != last:
            last, since = counts, time.monotonic()
        elif time.monotonic() - since > PATIENCE_SECONDS:
            raise StuckError(_stuck(order_ids()))
        time.sleep(LOOK_SECONDS)


def ended(counts: Counter[str]) -> int:
    return sum(counts[status] for status in lifecycle.TERMINAL)


def _stuck(order_ids: Sequence[str]) -> str:
    rows = sql.fetch(STUCK, [list(order_ids), [*lifecycle.OPEN]])
    named = "\n".join(
        f"  {order_id} is {status}, last heard: {last}"
        for order_id, status, last in rows
    )
    return (
        f"No order moved for {PATIENCE_SECONDS:g} s. Stuck, among others:\n{named}\n"
        "Do all workers run? `manage.py queues` shows where messages wait, "
        "`manage.py nudge ORDER` sends an order's events again."
    )
