"""The figures, hour by hour: orders, revenue, failures, retries, time in each stage.

Every question names a range of time, so that none of them reads the whole table.
"""

from datetime import datetime
from typing import NamedTuple

from orders_project.database import sql


class Orders(NamedTuple):
    """What happened in an hour: an order may be created in one and paid in the next."""

    hour: datetime
    created: int
    paid: int
    cancelled: int


class Revenue(NamedTuple):
    """What the orders paid in an hour brought, but for those cancelled since."""

    hour: datetime
    currency: str
    orders: int
    cents: int


class Failures(NamedTuple):
    hour: datetime
    reason: str
    orders: int


class Retries(NamedTuple):
    hour: datetime
    queue: str
    events: int


class Stage(NamedTuple):
    """How many seconds orders spent between two milestones."""

    name: str
    orders: int
    average: float
    p50: float
    p95: float


ORDERS = """
    SELECT date_trunc('hour', at) AS hour, count(*) FILTER (WHERE what = 'created'),
        count(*) FILTER (WHERE what = 'paid'),
        count(*) FILTER (WHERE what = 'cancelled')
    FROM (
        SELECT 'created' AS what, created_at AS at FROM audit_orderfact
            WHERE created_at >= %(start)s AND created_at < %(end)s
        UNION ALL SELECT 'paid', paid_at FROM audit_orderfact
            WHERE paid_at >= %(start)s AND paid_at < %(end)s
        UNION ALL SELECT 'cancelled', cancelled_at FROM audit_orderfact
            WHERE cancelled_at >= %(start)s AND cancelled_at < %(end)s
    ) AS happened
    GROUP BY hour ORDER BY hour
"""
REVENUE = """
    SELECT date_trunc('hour', paid_at) AS hour, coalesce(currency, ''), count(*),
        coalesce(sum(total_cents), 0)::bigint
    FROM audit_orderfact
    WHERE paid_at >= %(start)s AND paid_at < %(end)s AND cancelled_at IS NULL
    GROUP BY hour, currency ORDER BY hour, currency
"""
FAILURES = """
    SELECT date_trunc('hour', cancelled_at) AS hour, coalesce(reason, ''), count(*)
    FROM audit_orderfact
    WHERE cancelled_at >= %(start)s AND cancelled_at < %(end)s
    GROUP BY hour, reason ORDER BY hour, count(*) DESC, reason
"""
RETRIES = """
    SELECT date_trunc('hour', at) AS hour, queue, sum(events)::bigint
    FROM messaging_work
    WHERE outcome = 'retried' AND at >= %(start)s AND at < %(end)s
    GROUP BY hour, queue ORDER BY hour, queue
"""
STAGES = """
    SELECT name, count(*), avg(seconds)::float8,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)
    FROM audit_orderfact, LATERAL (VALUES
        (1, 'created to paid', extract(epoch FROM paid_at - created_at)::float8),
        (2, 'paid to shipped', extract(epoch FROM shipped_at - paid_at)::float8),
        (3, 'shipped to completed',
            extract(epoch FROM completed_at - shipped_at)::float8)
    ) AS stage(place, name, seconds)
    WHERE created_at >= %(start)s AND created_at < %(end)s AND seconds >= 0
    GROUP BY place, name ORDER BY place
"""


def orders_by_hour(start: datetime, end: datetime) -> list[Orders]:
    return [Orders._make(row) for row in _fetch(ORDERS, start, end)]


def revenue_by_hour(start: datetime, end: datetime) -> list[Revenue]:
    return [Revenue._make(row) for row in _fetch(REVENUE, start, end)]


def failures_by_hour(start: datetime, end: datetime) -> list[Failures]:
    return [Failures._make(row) for row in _fetch(FAILURES, start, end)]


def retries_by_hour(start: datetime, end: datetime) -> list[Retries]:
    return [Retries._make(row) for row in _fetch(RETRIES, start, end)]


def stages(start: datetime, end: datetime) -> list[Stage]:
    """Return the time in each stage, of the orders created within the range.

    Cash on delivery is paid after it was shipped: it has no time from paid to shipped.
    """
    return [Stage._make(row) for row in _fetch(STAGES, start, end)]


def _fetch(query: str, start: datetime, end: datetime) -> list[sql.Row]:
    return sql.fetch(query, {"start": start, "end": end})
