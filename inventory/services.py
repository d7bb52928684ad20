"""Everything that changes stock. Called by tasks; knows neither Celery nor RabbitMQ.

Rows are locked in one order everywhere, reservations before stock and each by its key:
two workers that locked them otherwise would wait for one another.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from django.db import transaction

from inventory.lifecycle import COMMITTED, HELD, REFUSED, RELEASED, TRANSITIONS
from inventory.models import StockItem
from inventory.selectors import drift
from orders_project.database import sql
from orders_project.messaging import outbox
from orders_project.messaging.events import (
    Event,
    OrderCancelled,
    OrderCreated,
    PaymentFailed,
    PaymentSucceeded,
    StockCommitted,
    StockRanOut,
    StockReleased,
    StockReserved,
)
from orders_project.messaging.rows import before, first_of_each

OPEN = """
    INSERT INTO inventory_reservation (order_id, status)
    SELECT id, %s FROM unnest(%s::uuid[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING RETURNING order_id::text
"""
LOCK_RESERVATIONS = """
    SELECT order_id::text, status FROM inventory_reservation
    WHERE order_id = ANY(%s::uuid[]) AND status = ANY(%s) ORDER BY order_id FOR UPDATE
"""
MOVE = """
    UPDATE inventory_reservation SET status = %s WHERE order_id = ANY(%s::uuid[])
"""
LOCK_STOCK = """
    SELECT sku, on_hand - reserved FROM inventory_stockitem
    WHERE sku = ANY(%s) ORDER BY sku FOR UPDATE
"""
CHANGE_STOCK = """
    UPDATE inventory_stockitem AS stock
    SET reserved = stock.reserved + change.reserved, sold = stock.sold + change.sold
    FROM jsonb_to_recordset(%s) AS change(sku text, reserved int, sold int)
    WHERE stock.sku = change.sku
"""
ADD_LINES = """
    INSERT INTO inventory_reservationline (order_id, sku, quantity)
    SELECT * FROM jsonb_to_recordset(%s) AS line(order_id uuid, sku text, quantity int)
"""
#: Found first, grouped then: else the planner may read all lines that there are in the
#: order of their skus (seen before the first ANALYZE of a new database).
UNITS = """
    WITH line AS MATERIALIZED (
        SELECT sku, quantity FROM inventory_reservationline
        WHERE order_id = ANY(%s::uuid[])
    )
    SELECT sku, sum(quantity)::int FROM line GROUP BY sku
"""
RECEIVE = """
    INSERT INTO inventory_stockitem AS stock (sku, received, reserved, sold)
    SELECT sku, quantity, 0, 0
    FROM jsonb_to_recordset(%s) AS r(sku text, quantity int) ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET received = stock.received + excluded.received
    RETURNING sku, xmax = 0
"""

Wanted = Counter[str]
NONE: Wanted = Counter()
E = TypeVar("E", bound=Event)


def reserve_stock(events: Sequence[OrderCreated]) -> None:
    """Hold stock for every line of an order, or for none of them.

    Orders are served as they stand in the batch. Running out is an answer, not an
    error: it is announced. An order that was cancelled before gets nothing.
    """
    new = {row[0] for row in sql.fetch(OPEN, [HELD, [e.order_id for e in events]])}
    wanted = {e.order_id: units(e) for e in events if e.order_id in new}
    held, short = share_out(wanted, _lock_stock(wanted.values()))
    _change_stock(reserved=_sum(held.values()))
    sql.run(ADD_LINES, [sql.rows(_lines(held))])
    if short:
        sql.run(MOVE, [REFUSED, list(short)])
    outbox.append(*(_answer(e, short) for e in events if e.order_id in new))


def commit_stock(events: Sequence[PaymentSucceeded]) -> None:
    """Make what is held for these orders sold."""
    moved = _move(events, COMMITTED)
    held = _units_of(moved)
    _lock_stock([held])
    _change_stock(reserved=_less(held), sold=held)
    by_order = first_of_each(events)
    outbox.append(*(by_order[one].then(StockCommitted) for one in moved))


def release_stock(events: Sequence[PaymentFailed | OrderCancelled]) -> None:
    """Give back what these orders hold, or what they had bought.

    An order that is not known yet gets its row now, so that it reserves nothing when
    its creation is heard later.
    """
    sql.run(OPEN, [RELEASED, [event.order_id for event in events]])
    moved = _move(events, RELEASED)
    held, bought = (
        _units_of(one for one, was in moved.items() if was == status)
        for status in (HELD, COMMITTED)
    )
    _lock_stock([held, bought])
    _change_stock(reserved=_less(held), sold=_less(bought))
    # A failed payment and the cancellation it led to may come in one batch.
    by_order = first_of_each(events)
    outbox.append(*(by_order[one].then(StockReleased) for one in moved))


@transaction.atomic
def receive_stock(quantities: Mapping[str, int]) -> list[str]:
    """Add units that came in from a supplier; an unknown sku begins with them.

    Returns the skus that were unknown: one may be mistyped.
    """
    rows = [{"sku": sku, "quantity": n} for sku, n in quantities.items()]
    return sorted(sku for sku, new in sql.fetch(RECEIVE, [sql.rows(rows)]) if new)


@transaction.atomic
def recount(skus: Sequence[str]) -> None:
    """Make what is reserved and sold of these skus what the orders hold and bought.

    What would make more reserved than is on hand stays as it is.
    """
    # Who changes a reservation takes its stock's lock before the commit: so the sums,
    # taken in a later statement, hold all that these figures will ever be changed for.
    _lock_stock([dict.fromkeys(skus, 0)])
    for item in drift(skus):
        able = StockItem.objects.filter(
            sku=item.sku, received__gte=item.held + item.bought
        )
        able.update(reserved=item.held, sold=item.bought)


def units(event: OrderCreated) -> Wanted:
    """Add up an order's lines: the same sku may stand on two of them."""
    wanted: Wanted = Counter()
    for line in event.lines:
        wanted[line.sku] += line.quantity
    return wanted


def share_out(
    wanted: Mapping[str, Wanted], available: Mapping[str, int]
) -> tuple[dict[str, Wanted], dict[str, tuple[str, ...]]]:
    """Serve orders one after the other: who gets all it wants, and who lacks what."""
    left, held, short = dict(available), {}, {}
    for order_id, order in wanted.items():
        lacking = tuple(sorted(s for s, n in order.items() if left.get(s, 0) < n))
        if lacking:
            short[order_id] = lacking
            continue
        held[order_id] = order
        left |= {sku: left[sku] - n for sku, n in order.items()}
    return held, short


def _answer(event: OrderCreated, short: Mapping[str, tuple[str, ...]]) -> Event:
    if event.order_id in short:
        return event.then(StockRanOut, skus=short[event.order_id])
    return event.then(
        StockReserved,
        total_cents=event.total_cents,
        currency=event.currency,
        method=event.method,
        payment_token=event.payment_token,
        country=event.country,
    )


def _lines(held: Mapping[str, Wanted]) -> list[dict[str, object]]:
    return [
        {"order_id": order_id, "sku": sku, "quantity": quantity}
        for order_id, order in held.items()
        for sku, quantity in order.items()
    ]


def _move(events: Sequence[Event], status: str) -> dict[str, str]:
    """Move the reservations as far as the lifecycle allows; return where each stood."""
    ids = [event.order_id for event in events]
    moved: dict[str, str] = dict(
        sql.fetch(LOCK_RESERVATIONS, [ids, before(TRANSITIONS, status)])
    )
    sql.run(MOVE, [status, list(moved)])
    return moved


def _units_of(order_ids: Iterable[str]) -> Wanted:
    return Counter(dict(sql.fetch(UNITS, [list(order_ids)])))


def _less(units: Wanted) -> Wanted:
    return Counter({sku: -n for sku, n in units.items()})


def _sum(orders: Iterable[Wanted]) -> Wanted:
    # Not sum(): it copies the whole counter for each order.
    total: Wanted = Counter()
    for order in orders:
        total.update(order)
    return total


def _lock_stock(orders: Iterable[Mapping[str, int]]) -> dict[str, int]:
    skus = sorted({sku for order in orders for sku in order})
    return dict(sql.fetch(LOCK_STOCK, [skus]))


def _change_stock(*, reserved: Wanted = NONE, sold: Wanted = NONE) -> None:
    """Add to the figures of stock that is locked, of all skus at once."""
    changes = [
        {"sku": sku, "reserved": reserved[sku], "sold": sold[sku]}
        for sku in reserved.keys() | sold.keys()
    ]
    sql.run(CHANGE_STOCK, [sql.rows(changes)])
