"""The way of a payment back: cancelled or given up, until the gateway holds nothing.

A refund is requested in the transaction that stops the payment, and carried out by
a task. Every writer of refunds holds the lock of the payment first, but for `take`,
which waits for nobody: it skips what is locked.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter

from django.db import transaction

from orders_project.database import sql
from orders_project.messaging import outbox
from orders_project.messaging.chains import Job
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import OrderCancelled, PaymentRefunded
from orders_project.messaging.rows import before
from payments.chains import CHAINS
from payments.gateways import gateway
from payments.gateways.port import Reversal
from payments.lifecycle import CANCELLED, FAILED, REFUND, REFUNDED, REQUESTED, VOIDING
from payments.rows import Row, lock, move, move_all, read

GATEWAY_UNREACHABLE = "gateway_unreachable"
VOIDED_THERE = "voided_at_gateway"
REFUNDED_THERE = "refunded_at_gateway"

TOMBSTONE = """
    INSERT INTO payments_payment (order_id, status, reason, cause, trace, priority)
    SELECT order_id, 'cancelled', reason, cause, trace, priority
    FROM jsonb_to_recordset(%s) AS e(order_id uuid, reason text, cause uuid,
        trace text, priority smallint)
    ORDER BY order_id ON CONFLICT DO NOTHING
"""
REQUEST = """
    INSERT INTO payments_refund (order_id)
    SELECT order_id FROM unnest(%s::uuid[]) AS order_id ORDER BY order_id
    ON CONFLICT DO NOTHING RETURNING order_id::text
"""
REQUEST_AGAIN = """
    UPDATE payments_refund r
    SET status = 'requested', attempt = attempt + 1, asked = 0, sweeps = 0,
        updated = statement_timestamp()
    FROM payments_payment p
    WHERE r.order_id = p.order_id AND r.order_id = ANY(%s::uuid[])
        AND r.status = ANY(%s)
    RETURNING 'refund', p.priority, r.order_id::text
"""
REQUESTS = """
    SELECT order_id::text, r.attempt, p.reference
    FROM payments_refund r JOIN payments_payment p USING (order_id)
    WHERE order_id = ANY(%s::uuid[]) AND r.status = 'requested' ORDER BY order_id
"""
#: An answer to an older attempt is not the end: something was charged after it.
UNDONE = """
    UPDATE payments_refund r SET status = u.status, updated = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS u(order_id uuid, attempt int, status text)
    WHERE r.order_id = u.order_id AND r.attempt = u.attempt AND r.status = 'requested'
    RETURNING r.order_id::text, r.status
"""
TAKE = """
    UPDATE payments_refund r
    SET asked = 0, tried = statement_timestamp(), sweeps = r.sweeps + 1
    FROM payments_payment p
    WHERE p.order_id = r.order_id AND r.order_id = ANY(ARRAY(
        SELECT order_id FROM payments_refund
        WHERE status = 'requested' AND {which} FOR UPDATE SKIP LOCKED))
    RETURNING 'refund', p.priority, r.order_id::text
"""
#: Seconds after which a gateway that does not answer is asked again, then again. The
#: order hangs on it, so that this goes on until there is an answer.
PAUSES = (5, 15, 30, 60)
#: Of two tasks that ask for the same refund only one goes on: who finds that it was
#: asked for less than half a pause ago leaves it to the other.
ASK_AGAIN = f"""
    UPDATE payments_refund r
    SET asked = least(asked + 1, {len(PAUSES)}), tried = statement_timestamp()
    FROM payments_payment p
    WHERE p.order_id = r.order_id AND r.order_id = ANY(%s::uuid[])
        AND r.status = 'requested' AND (asked = 0
            OR greatest(r.updated, r.tried) < statement_timestamp()
                - make_interval(secs => (ARRAY{[*PAUSES]})[asked] / 2.0))
    RETURNING (ARRAY{[*PAUSES]})[asked], p.priority, r.order_id::text
"""


def cancel(events: Sequence[OrderCancelled]) -> None:
    """Stop the payments of these orders, and have undone what may have been charged.

    An order that is not here yet gets its row, so that nothing is opened later.
    """
    moves = [_cancellation(event) for event in events]
    sql.run(TOMBSTONE, [sql.rows(moves)])
    lock(event.order_id for event in events)
    request([row for row in move(moves) if row.method == "prepaid"])


def _cancellation(event: OrderCancelled) -> dict[str, object]:
    return {
        "order_id": event.order_id,
        "status": CANCELLED,
        "reason": event.reason,
        "cause": event.id,
        "trace": event.trace,
        "priority": event.priority,
    }


@transaction.atomic
def abandon(order_ids: Sequence[str]) -> None:
    """Give up payments for which the gateway never answered.

    They fail once it has confirmed that it holds nothing, for a charge without an
    answer may have been made.
    """
    lock(order_ids)
    request(move_all(order_ids, VOIDING, reason=GATEWAY_UNREACHABLE))


@transaction.atomic
def give_up(order_ids: Sequence[str]) -> None:
    """End payments that the gateway has voided, once it has confirmed that."""
    lock(order_ids)
    request(move_all(order_ids, VOIDING, reason=VOIDED_THERE))


@transaction.atomic
def give_back(order_ids: Sequence[str]) -> None:
    """Have undone what the gateway holds for payments that have ended without money."""
    lock(order_ids)
    ended = read(order_ids, FAILED, CANCELLED)
    request_again([row.order_id for row in ended])
    request(ended)


def request(rows: Sequence[Row]) -> None:
    """Have what was charged for these payments undone, once. Their rows are locked."""
    if rows:
        new = {one for (one,) in sql.fetch(REQUEST, [[row.order_id for row in rows]])}
        CHAINS.start(
            ("refund", row.priority, row.order_id)
            for row in rows
            if row.order_id in new
        )


def request_again(order_ids: Collection[str]) -> None:
    """Undo once more what was charged although it had been called off."""
    if order_ids:
        sources = before(REFUND, REQUESTED)
        CHAINS.start(sql.fetch(REQUEST_AGAIN, [list(order_ids), sources]))


def refund(order_ids: Sequence[str]) -> None:
    """Void the payments, or give back what was captured.

    What has no answer is asked for again after a pause, under the same key.
    """
    requests = sql.fetch(REQUESTS, [list(order_ids)])
    outcomes = gateway().refund_or_void([_reversal(*one) for one in requests])
    crash_point("payments: refunded, not recorded")
    undone = [
        {"order_id": order_id, "attempt": attempt, "status": outcome.state}
        for (order_id, attempt, _), outcome in zip(requests, outcomes, strict=True)
        if outcome.state != "unanswered"
    ]
    _record(undone)
    unanswered = {row[0] for row in requests} - {one["order_id"] for one in undone}
    if unanswered:
        _ask_again(unanswered)


def _reversal(order_id: str, attempt: int, reference: str) -> Reversal:
    key = f"{order_id}:refund:{attempt}"
    return Reversal(key=key, order_id=order_id, reference=reference)


@transaction.atomic
def _record(undone: Sequence[dict[str, object]]) -> None:
    lock(str(one["order_id"]) for one in undone)
    ended: dict[str, str] = dict(sql.fetch(UNDONE, [sql.rows(undone)]))
    failed = move_all(ended, FAILED)
    refunded = [one for one, status in ended.items() if status == REFUNDED]
    outbox.append(
        *map(Row.failure, failed),
        *map(_money_back, read(refunded, CANCELLED, FAILED)),
    )


def _money_back(row: Row) -> PaymentRefunded:
    return row.event(
        PaymentRefunded, amount_cents=row.amount_cents, currency=row.currency
    )


@transaction.atomic
def _ask_again(order_ids: Collection[str]) -> None:
    lock(order_ids)
    again = sorted(sql.fetch(ASK_AGAIN, [list(order_ids)]))
    for pause, rows in groupby(again, key=itemgetter(0)):
        CHAINS.start((("refund", *job) for _, *job in rows), after=pause)


def take(which: str, value: object) -> Sequence[Job]:
    """Mark stalled refunds as taken, and return their jobs (see chains.py)."""
    return sql.fetch(TAKE.format(which=which), [value])
