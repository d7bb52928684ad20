"""How events move orders: a batch each, with a fixed number of statements.

The rows are locked by id first, so that two batches cannot deadlock, and only those
move that lifecycle.py lets move: a duplicate finds its order moved already. Their keys
are not locked: the check of a foreign key would wait, in an order of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from orders.lifecycle import CANCELLED, COMPLETED, MOVES, OPEN, PAID, PENDING, SHIPPED
from orders_project.database import sql
from orders_project.messaging import outbox
from orders_project.messaging.errors import Poison, RetryLater
from orders_project.messaging.events import (
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderPaid,
    OrderShipped,
    PaymentFailed,
    PaymentSucceeded,
    ShipmentDelivered,
    ShipmentPrepared,
    StockRanOut,
)
from orders_project.messaging.rows import before, first_of_each

LOCK = """
    SELECT id::text, status, method FROM orders_order
    WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
CANCEL = """
    UPDATE orders_order o SET status = 'cancelled', reason = e.reason,
        cancelled_at = e.time, updated_at = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS e(id uuid, time timestamptz, reason text)
    WHERE o.id = e.id AND o.status = ANY(%s) RETURNING o.id::text
"""
PAY = """
    UPDATE orders_order o SET paid_at = e.time, updated_at = statement_timestamp(),
        status = CASE WHEN o.status = ANY(%s) THEN 'paid' ELSE o.status END
    FROM jsonb_to_recordset(%s) AS e(id uuid, time timestamptz)
    WHERE o.id = e.id AND o.status = ANY(%s) AND o.paid_at IS NULL
    RETURNING o.id::text, o.total_cents, o.currency
"""
SHIP = """
    UPDATE orders_order o SET status = 'shipped', shipped_at = e.time,
        updated_at = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS e(id uuid, time timestamptz)
    WHERE o.id = e.id AND o.status = ANY(%s) RETURNING o.id::text
"""
DELIVER = """
    UPDATE orders_order o SET delivered_at = e.time, updated_at = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS e(id uuid, time timestamptz)
    WHERE o.id = e.id AND o.status = 'shipped' AND o.delivered_at IS NULL
"""
COMPLETE = """
    UPDATE orders_order SET status = 'completed', completed_at = statement_timestamp(),
        updated_at = statement_timestamp()
    WHERE id = ANY(%s::uuid[]) AND status = ANY(%s)
        AND paid_at IS NOT NULL AND delivered_at IS NOT NULL
    RETURNING id::text
"""


class Locked(NamedTuple):
    """What a handler must know of an order before it moves it."""

    order_id: str
    status: str
    method: str


def cancel_orders(events: Sequence[StockRanOut | PaymentFailed]) -> None:
    """Cancel orders that cannot go on, and tell those who must undo their part."""
    by_order = first_of_each(events)
    lock_orders(by_order)
    rows = sql.rows(_at(one) | {"reason": reason_of(one)} for one in by_order.values())
    moved = sql.fetch(CANCEL, [rows, before(MOVES, CANCELLED)])
    causes = [by_order[order_id] for (order_id,) in moved]
    outbox.append(*(one.then(OrderCancelled, reason=reason_of(one)) for one in causes))


def record_payments(events: Sequence[PaymentSucceeded]) -> None:
    """Note that the money is ours. An order paid at the door was shipped before."""
    by_order = first_of_each(events)
    lock_orders(by_order)
    paid = sql.fetch(PAY, [before(MOVES, PAID), _times(by_order), [*OPEN]])
    outbox.append(
        *(
            by_order[order_id].then(OrderPaid, total_cents=cents, currency=currency)
            for order_id, cents, currency in paid
        )
    )
    _complete(by_order)


def ship_orders(events: Sequence[ShipmentPrepared]) -> None:
    """Let the parcels leave: from here on these orders cannot be cancelled.

    Raises RetryLater while the payment of a prepaid order was not heard of.
    """
    by_order = first_of_each(events)
    orders = lock_orders(by_order)
    unpaid = (o for o in orders if o.status == PENDING and o.method == "prepaid")
    _wait_for(unpaid, "paid")
    moved = sql.fetch(SHIP, [_times(by_order), before(MOVES, SHIPPED)])
    causes = [by_order[order_id] for (order_id,) in moved]
    outbox.append(*(one.then(OrderShipped, tracking=one.tracking) for one in causes))


def record_deliveries(events: Sequence[ShipmentDelivered]) -> None:
    """Note the deliveries; who has also paid is done.

    Raises RetryLater if an order is not known to be shipped yet.
    """
    by_order = first_of_each(events)
    orders = lock_orders(by_order)
    _wait_for((o for o in orders if o.status in before(MOVES, SHIPPED)), "shipped")
    sql.run(DELIVER, [_times(by_order)])
    _complete(by_order)


def _wait_for(early: Iterable[Locked], what: str) -> None:
    if of := {
        one.order_id: f"Order {one.order_id} is not known to be {what} yet."
        for one in early
    }:
        raise RetryLater(of=of)


def _complete(by_order: Mapping[str, Event]) -> None:
    done = sql.fetch(COMPLETE, [list(by_order), before(MOVES, COMPLETED)])
    outbox.append(*(by_order[order_id].then(OrderCompleted) for (order_id,) in done))


def lock_orders(order_ids: Iterable[str]) -> list[Locked]:
    """Lock these orders by id; raises Poison if one is not ours at all."""
    wanted = list(order_ids)
    locked = [Locked(*row) for row in sql.fetch(LOCK, [wanted])]
    # An order is committed before anything is said of it, so waiting would not help.
    if unknown := set(wanted) - {order.order_id for order in locked}:
        raise Poison(f"There is no order {', '.join(sorted(unknown))}.")
    return locked


def reason_of(event: StockRanOut | PaymentFailed | OrderCancelled) -> str:
    """Return why an order failed, in the short word that the client reads."""
    return getattr(event, "reason", "out_of_stock")


def _times(by_order: Mapping[str, Event]) -> str:
    return sql.rows(_at(event) for event in by_order.values())


def _at(event: Event) -> dict[str, object]:
    return {"id": event.order_id, "time": event.time}
