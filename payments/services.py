"""Payments are opened, and cash is recorded: nothing here asks the gateway.

The calls to the gateway are in charges.py, what undoes a payment in refunds.py.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from orders_project.database import sql
from orders_project.messaging import nudging, outbox
from orders_project.messaging.chains import IDLE, NAMED
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import (
    METHODS,
    CodAccepted,
    ShipmentDelivered,
    StockReserved,
)
from orders_project.messaging.nudging import SWEEPER, Nudged
from payments import refunds
from payments.chains import CHAINS
from payments.lifecycle import (
    ACCEPTED,
    COLLECTED,
    DUE,
    MOVING,
)
from payments.rows import Row, lock, move, move_all

OPEN = """
    INSERT INTO payments_payment (order_id, status, method, amount_cents, currency,
        token, country, cause, trace, priority)
    SELECT order_id, 'opened', method, amount_cents, currency, token, country, cause,
        trace, priority
    FROM jsonb_to_recordset(%s) AS e(order_id uuid, method text, amount_cents bigint,
        currency text, token text, country text, cause uuid, trace text,
        priority smallint)
    ORDER BY order_id ON CONFLICT DO NOTHING
    RETURNING method, priority, order_id::text
"""
TAKE = """
    UPDATE payments_payment SET tried = statement_timestamp(), sweeps = sweeps + 1
    WHERE order_id = ANY(ARRAY(
        SELECT order_id FROM payments_payment
        WHERE is_open AND status = ANY(%s) AND {which} FOR UPDATE SKIP LOCKED))
    RETURNING CASE status WHEN 'due' THEN 'collection' ELSE method END, priority,
        order_id::text
"""


def open_payments(events: Sequence[StockReserved]) -> None:
    """Open a payment for each order and start the chain of its method.

    An order that was cancelled before it came here has its row already: it is left.
    """
    for event in events:
        _require_known_method(event)
    CHAINS.start(sql.fetch(OPEN, [sql.rows(_opening(event) for event in events)]))


def _require_known_method(event: StockReserved) -> None:
    if event.method not in METHODS:
        raise Poison(
            f"Order {event.order_id} is to be paid by {event.method!r}; "
            f"'method' must be one of: {', '.join(METHODS)}."
        )


def _opening(event: StockReserved) -> dict[str, object]:
    return {
        "order_id": event.order_id,
        "method": event.method,
        "amount_cents": event.total_cents,
        "currency": event.currency,
        "token": event.payment_token,
        "country": event.country,
        "cause": event.id,
        "trace": event.trace,
        "priority": event.priority,
    }


@transaction.atomic
def accept(order_ids: Sequence[str]) -> None:
    """Agree that the money comes in cash when the parcel does."""
    lock(order_ids)
    outbox.append(*map(_agreement, move_all(order_ids, ACCEPTED)))


def _agreement(row: Row) -> CodAccepted:
    return row.event(
        CodAccepted,
        amount_cents=row.amount_cents,
        currency=row.currency,
        country=row.country,
    )


def mark_due(events: Sequence[ShipmentDelivered]) -> None:
    """The parcels are there: have the cash collected of those that owe it."""
    lock(event.order_id for event in events)
    moves = [
        {"order_id": event.order_id, "status": DUE, "cause": event.id}
        for event in events
    ]
    CHAINS.start(("collection", row.priority, row.order_id) for row in move(moves))


@transaction.atomic
def collect(order_ids: Sequence[str]) -> None:
    """Record the cash as ours, and say so."""
    lock(order_ids)
    outbox.append(*map(Row.success, move_all(order_ids, COLLECTED)))


@nudging.single
def resume_idle() -> int:
    """Start the chains of stalled payments and refunds again; return how many.

    Harmless where a chain is still on its way: a step skips what is past it.
    """
    nudged = _resume(IDLE, settings.SWEEP_IDLE_SECONDS)
    nudging.note(nudged, by=SWEEPER)
    return len(nudged)


@transaction.atomic
def resume(order_ids: Sequence[str]) -> list[Nudged]:
    """Start these orders' stalled payments and refunds again; return which."""
    return _resume(NAMED, list(order_ids))


def _resume(which: str, value: object) -> list[Nudged]:
    payments = sql.fetch(TAKE.format(which=which), [list(MOVING), value])
    return CHAINS.restart([*payments, *refunds.take(which, value)])
