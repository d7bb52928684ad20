"""The way of a payment forward: opened, charged, and the money ours.

A service that asks the gateway reads, asks outside any transaction, and records the
answers in one. What undoes a payment is in refunds.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from orders_project.messaging import outbox, sql
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import (
    CodAccepted,
    PaymentFailed,
    PaymentSucceeded,
    ShipmentDelivered,
    StockReserved,
)
from payments import chains, refunds
from payments.gateways import gateway
from payments.gateways.port import Charge, Outcome
from payments.lifecycle import (
    ACCEPTED,
    AUTHORISED,
    CAPTURED,
    COLLECTED,
    DUE,
    FAILED,
    MOVING,
    OPENED,
    SETTLED,
    VOIDING,
)
from payments.rows import Row, lock, move, move_all, read

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
#: Touching the row makes this once in so many seconds, however often it is called.
IDLE = """
    UPDATE payments_payment SET updated = statement_timestamp()
    WHERE order_id IN (
        SELECT order_id FROM payments_payment
        WHERE status = ANY(%s)
            AND updated < statement_timestamp() - make_interval(secs => %s)
        ORDER BY order_id LIMIT 1000 FOR UPDATE SKIP LOCKED)
    RETURNING CASE status WHEN 'due' THEN 'collection' ELSE method END, priority,
        order_id::text
"""


class Stage(NamedTuple):
    """A call to the gateway: from which status, and where each answer leads."""

    operation: str
    source: str
    leads: Mapping[str, str]
    past: Sequence[str]


AUTHORISATION = Stage(
    "authorise",
    OPENED,
    {"authorised": AUTHORISED, "declined": FAILED},
    (AUTHORISED, CAPTURED),
)
# What is held must be released when it cannot be taken: hence VOIDING.
CAPTURE = Stage(
    "capture", AUTHORISED, {"captured": CAPTURED, "declined": VOIDING}, (CAPTURED,)
)


class Progress(NamedTuple):
    """The orders that are past a step, and those whose answer nobody knows yet."""

    past: list[str]
    unanswered: list[str]


def open_payments(events: Sequence[StockReserved]) -> None:
    """Open a payment for each order and start the chain of its method.

    An order that was cancelled before it came here has its row already, and rests.
    """
    for event in events:
        _require_known_method(event)
    chains.start(sql.fetch(OPEN, [sql.rows(_opening(event) for event in events)]))


def _require_known_method(event: StockReserved) -> None:
    if event.method not in chains.METHODS:
        raise Poison(
            f"Order {event.order_id} is to be paid by {event.method!r}; "
            f"'method' must be one of: {', '.join(chains.METHODS)}."
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


def authorise(order_ids: Sequence[str]) -> Progress:
    """Have the gateway hold the money; a refusal ends the payment."""
    return _charge(AUTHORISATION, order_ids)


def capture(order_ids: Sequence[str]) -> Progress:
    """Have the gateway take the money that it holds."""
    return _charge(CAPTURE, order_ids)


def _charge(stage: Stage, order_ids: Sequence[str]) -> Progress:
    waiting = read(order_ids, stage.source)
    charges = [_as_charge(row, stage.operation) for row in waiting]
    outcomes = getattr(gateway(), stage.operation)(charges)
    answers = {
        charge.order_id: outcome
        for charge, outcome in zip(charges, outcomes, strict=True)
        if outcome.state != "unanswered"
    }
    _record(stage, answers)
    unanswered = [one.order_id for one in waiting if one.order_id not in answers]
    return Progress([row.order_id for row in read(order_ids, *stage.past)], unanswered)


def _as_charge(row: Row, operation: str) -> Charge:
    return Charge(
        key=f"{row.order_id}:{operation}",
        order_id=row.order_id,
        amount_cents=row.amount_cents,
        currency=row.currency,
        token=row.token,
        reference=row.reference,
    )


@transaction.atomic
def _record(stage: Stage, answers: Mapping[str, Outcome]) -> None:
    lock(answers)
    moved = move([_as_move(stage, *answer) for answer in answers.items()])
    refunds.request([row for row in moved if row.status == VOIDING])
    refunds.request_again(_charged(answers) - {row.order_id for row in moved})
    outbox.append(
        *(
            row.say(PaymentFailed, reason=row.reason)
            for row in moved
            if row.status == FAILED
        )
    )


def _as_move(stage: Stage, order_id: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "status": stage.leads[outcome.state],
        "reason": outcome.reason,
        "reference": outcome.reference,
    }


def _charged(answers: Mapping[str, Outcome]) -> set[str]:
    return {one for one, outcome in answers.items() if outcome.state != "declined"}


@transaction.atomic
def settle(order_ids: Sequence[str]) -> None:
    """Record the captured money as ours, and say so."""
    lock(order_ids)
    outbox.append(*map(_success, move_all(order_ids, SETTLED)))


@transaction.atomic
def accept(order_ids: Sequence[str]) -> None:
    """Agree that the money comes in cash when the parcel does."""
    lock(order_ids)
    outbox.append(
        *(
            row.say(
                CodAccepted,
                amount_cents=row.amount_cents,
                currency=row.currency,
                country=row.country,
            )
            for row in move_all(order_ids, ACCEPTED)
        )
    )


def mark_due(events: Sequence[ShipmentDelivered]) -> None:
    """The parcels are there: have the cash collected of those that owe it."""
    lock(event.order_id for event in events)
    moves = [
        {"order_id": event.order_id, "status": DUE, "cause": event.id}
        for event in events
    ]
    chains.start(("collection", row.priority, row.order_id) for row in move(moves))


@transaction.atomic
def collect(order_ids: Sequence[str]) -> None:
    """Record the cash as ours, and say so."""
    lock(order_ids)
    outbox.append(*map(_success, move_all(order_ids, COLLECTED)))


def _success(row: Row) -> PaymentSucceeded:
    return row.say(
        PaymentSucceeded,
        amount_cents=row.amount_cents,
        currency=row.currency,
        method=row.method,
        country=row.country,
    )


@transaction.atomic
def resume_idle() -> int:
    """Start the chains of payments and refunds that rest too long; return how many.

    Harmless where a chain is still on its way: a step skips what is past it.
    """
    seconds = settings.SWEEP_IDLE_SECONDS
    jobs = [
        *sql.fetch(IDLE, [list(MOVING), seconds]),
        *refunds.take_idle(seconds),
    ]
    chains.start(jobs)
    return len(jobs)
