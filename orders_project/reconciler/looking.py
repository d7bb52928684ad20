"""Going over orders by pages, and comparing what apps, gateway and carrier know.

Each statement is about one page of keys, so that none is long, holds a lock, or has a
snapshot that keeps a busy database from cleaning up.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import UUID

import msgspec

from inventory.selectors import drift
from orders_project.database import sql
from orders_project.messaging.events import first_id
from orders_project.reconciler.checks import CHECKS, DRIFT, Check
from orders_project.uuids import is_uuid
from payments.gateways import gateway
from shipping.carriers import carrier

PAGE = 2000
#: Each page adds up all lines of its skus, and may read all reservations for it.
PAGE_OF_SKUS = 500
FIRST_OF_ALL = str(UUID(int=0))

SKUS = """
    SELECT sku FROM inventory_stockitem WHERE sku > %(after)s
    ORDER BY sku LIMIT %(size)s
"""
# By `o.id`: `id` alone would be the text, and no index has that.
YOUNG = """
    SELECT id::text FROM orders_order o WHERE id > %(after)s
    ORDER BY o.id LIMIT %(size)s
"""
#: Where something is unfinished, by which id.
UNFINISHED = (
    ("orders_order", "id", "is_open"),
    ("payments_payment", "order_id", "is_open"),
    ("payments_refund", "order_id", "status = 'requested'"),
    ("shipping_shipment", "order_id", "is_open"),
)
# Each no further than the page may reach: where no carrier tells of deliveries, orders
# stay open by the hundred thousand, and every page would read all that come after it.
SPAN = "WHERE {1} > %(after)s AND {1} < %(floor)s AND {2} ORDER BY {1} LIMIT %(size)s"
EACH = " UNION ".join(
    f"(SELECT {{1}} AS id FROM {{0}} {SPAN})".format(*one) for one in UNFINISHED
)
OLD = f"SELECT o.id::text FROM ({EACH}) AS o {SPAN.format('o', 'o.id', 'true')}"
#: A page of the log: where it ends, and which orders ended in it.
ENDED = """
    SELECT max(id::text), array_agg(DISTINCT order_id::text)
        FILTER (WHERE type IN ('order.cancelled', 'order.completed'))
    FROM (SELECT id, order_id, type FROM messaging_event
        WHERE id > %s ORDER BY id LIMIT %s) AS page
"""
PAGE_OF_LOG = 20_000
#: Of what ended, or gateway and carrier touched, what the other two leave out.
ONLY_THERE = """
    SELECT id::text FROM unnest(%s::uuid[]) AS id LEFT JOIN orders_order o USING (id)
    WHERE o.id IS NULL OR id < %s
"""
#: What gateway and carrier say of a page of orders.
BOOKS = """
    SELECT * FROM jsonb_to_recordset(%s) AS b(order_id uuid, authorised_cents bigint,
        captured_cents bigint, refunded_cents bigint, closed bool, charged timestamptz,
        tracking text, taken bool, carried timestamptz)
"""
#: Of which skus an order holds another number of units than its lines want.
UNEVEN = """
    SELECT order_id, string_agg(
        format('%%s of %%s for %%s', held, sku, wanted), ', ' ORDER BY sku) AS units
    FROM (
        SELECT order_id, sku, sum(wanted) AS wanted, sum(held) AS held
        FROM (
            SELECT order_id, sku, quantity AS wanted, 0 AS held
            FROM orders_orderline JOIN books USING (order_id)
            UNION ALL SELECT order_id, sku, 0, quantity
            FROM inventory_reservationline JOIN books USING (order_id)) AS lines
        GROUP BY order_id, sku) AS skus
    WHERE wanted <> held GROUP BY order_id
"""
# An order is here before anybody else hears of it: who has none needs no grace.
FACTS = """
    SELECT b.order_id::text, coalesce(o.status, 'missing') AS order_status,
        coalesce(o.is_open, false) AS order_is_open, o.nudges, o.total_cents AS total,
        o.paid_at IS NOT NULL AS order_is_paid,
        o.delivered_at IS NOT NULL AS order_is_delivered,
        coalesce(p.status, 'missing') AS payment, p.method AS payment_method,
        p.amount_cents AS amount, coalesce(r.status, 'missing') AS refund,
        coalesce(v.status, 'missing') AS stock, coalesce(s.status, 'missing') AS parcel,
        b.authorised_cents AS held, b.captured_cents AS taken,
        b.refunded_cents AS returned, b.closed,
        CASE WHEN b.taken THEN 'taken' WHEN b.tracking = '' THEN 'missing'
            ELSE 'booked' END AS carried,
        b.tracking <> s.tracking AS other_tracking,
        CASE WHEN v.status IN ('held', 'committed') THEN u.units END AS uneven
    FROM books b
    LEFT JOIN orders_order o ON o.id = b.order_id
    LEFT JOIN payments_payment p USING (order_id)
    LEFT JOIN payments_refund r USING (order_id)
    LEFT JOIN inventory_reservation v USING (order_id)
    LEFT JOIN uneven u USING (order_id)
    LEFT JOIN shipping_shipment s USING (order_id)
    WHERE o.id IS NULL OR greatest(o.updated_at, p.updated, r.updated, v.made,
        s.updated, b.charged, b.carried) < now() - make_interval(secs => %s)
"""
CAUSES = ", ".join(f"({at}, {one.condition})" for at, one in enumerate(CHECKS))
DIFFERENCES = f"""
    WITH books AS MATERIALIZED ({BOOKS}), uneven AS ({UNEVEN}),
    facts AS MATERIALIZED ({FACTS})
    SELECT order_id, cause, format('order %%s, payment %%s, refund %%s, stock %%s, '
        'parcel %%s; at the gateway %%s held, %%s captured, %%s refunded; at the '
        'carrier %%s', order_status, payment, refund, stock, parcel, held, taken,
        returned, carried) || coalesce('; it has ' || uneven, '')
    FROM facts CROSS JOIN LATERAL (VALUES {CAUSES}) AS causes(cause, holds)
    WHERE holds ORDER BY order_id, cause
"""


class Finding(NamedTuple):
    """Something that differs: an order or a sku, why, and what is known of it."""

    subject: str
    check: Check
    detail: str

    def __str__(self) -> str:
        return self._line(self.check.remedy.command.format(subject=self.subject))

    def after_repair(self) -> str:
        return self._line(self.check.remedy.left)

    def _line(self, help_: str) -> str:
        return f"{self.subject}: {self.check.sentence} ({self.detail}). {help_}"


def pages_of_old(since: datetime) -> Iterator[Sequence[str]]:
    """Yield the ids of orders made before that of which something is unfinished, and of
    those that ended since, or, be they unknown here, that gateway or carrier touched.
    """
    floor = first_id(since)
    yield from _pages(OLD, PAGE, FIRST_OF_ALL, floor=floor)
    seen: set[str] = set()
    touched = chain(_ended(floor), gateway().touched(since), carrier().touched(since))
    for page in touched:
        # Their books may have what somebody entered by hand.
        ours = list(filter(is_uuid, page))
        found = {row[0] for row in sql.fetch(ONLY_THERE, [ours, floor])}
        if ids := sorted(found - seen):
            seen.update(ids)
            yield ids


def _ended(after: str) -> Iterator[Sequence[str]]:
    [(last, ended)] = sql.fetch(ENDED, [after, PAGE_OF_LOG])
    while last:
        yield ended or ()
        [(last, ended)] = sql.fetch(ENDED, [last, PAGE_OF_LOG])


def pages_of_young(since: datetime) -> Iterator[Sequence[str]]:
    """Yield the ids of the orders made since then, the older ones first."""
    return _pages(YOUNG, PAGE, first_id(since))


def pages_of_skus() -> Iterator[Sequence[str]]:
    return _pages(SKUS, PAGE_OF_SKUS, "")


def _pages(query: str, size: int, after: str, **more: str) -> Iterator[Sequence[str]]:
    params = {"after": after, "size": size, **more}
    while keys := [row[0] for row in sql.fetch(query, params)]:
        yield keys
        params["after"] = keys[-1]


def differences(order_ids: Sequence[str], *, grace: float) -> list[Finding]:
    """Return what differs about these orders, unless they moved in the last seconds."""
    books = sql.rows(_books(order_ids))
    found = sql.fetch(DIFFERENCES, [books, grace])
    return [Finding(one, CHECKS[cause], detail) for one, cause, detail in found]


def _books(order_ids: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield what the world outside says of each order."""
    balances, parcels = gateway().lookup(order_ids), carrier().lookup(order_ids)
    for one, balance, parcel in zip(order_ids, balances, parcels, strict=True):
        yield {
            "order_id": one,
            **msgspec.structs.asdict(balance),
            "charged": balance.changed,
            "tracking": parcel.tracking,
            "taken": parcel.taken,
            "carried": parcel.changed,
        }


def drifted(skus: Sequence[str]) -> list[Finding]:
    """Return those of these skus whose figures are not the sum of their orders.

    One statement sees one moment, so that a busy system needs no grace here.
    """
    return [
        Finding(
            one.sku,
            DRIFT,
            f"{one.reserved} reserved, {one.sold} sold; orders hold {one.held}, "
            f"bought {one.bought}",
        )
        for one in drift(skus)
    ]
