"""The failed-order desk: why an order failed, and what people did about it."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from django.db import transaction

from orders.errors import InvalidOrderError
from orders.lifecycle import CANCELLED
from orders.models import FailedOrder, Order
from orders.pricing import Item, NewOrder
from orders.services.asking import lock_order
from orders.services.moving import reason_of
from orders.services.placing import place_orders
from orders_project.database import sql
from orders_project.errors import FieldError
from orders_project.messaging.events import (
    OrderCancelled,
    PaymentFailed,
    StockRanOut,
    utc_now,
)

STORE = """
    INSERT INTO orders_failedorder (event_id, order_id, reason, detail, failed_at)
    SELECT event_id, order_id, reason, detail, failed_at
    FROM jsonb_to_recordset(%s) AS f(event_id uuid, order_id uuid, reason text,
        detail text, failed_at timestamptz)
    WHERE EXISTS (SELECT FROM orders_order o WHERE o.id = f.order_id)
    ORDER BY event_id ON CONFLICT (event_id) DO
"""
RECORD = f"{STORE} NOTHING"
#: Months after somebody settled it the same may be found anew, with other figures.
RENEW = f"{STORE} UPDATE SET detail = excluded.detail, failed_at = excluded.failed_at"
#: Failures after which the same order can go through: no payment was refused.
RETRIABLE = ("out_of_stock", "expired", "gateway_unreachable")

#: What no event told has an id made of what it is.
FINDINGS = UUID("019aa5e2-6a3c-7cc1-9d55-0c6a2f0e7f11")

Failing: TypeAlias = StockRanOut | PaymentFailed | OrderCancelled


def record_failures(events: Sequence[Failing]) -> None:
    """Put failed orders on the desk; what fails is told by the event itself."""
    sql.run(RECORD, [sql.rows(_failure(event) for event in events)])


def _failure(event: Failing) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "order_id": event.order_id,
        "reason": reason_of(event),
        "detail": ", ".join(getattr(event, "skus", ())),
        "failed_at": event.time,
    }


def record_findings(findings: Iterable[tuple[str, str, str]]) -> None:
    """Put what the reconciler found on the desk: (order, reason, what is known of it).

    Once for each order and reason, as it was found last.
    """
    now = utc_now()
    rows = (
        {
            "event_id": _id_of_finding(order_id, reason),
            "order_id": order_id,
            "reason": reason,
            "detail": detail,
            "failed_at": now,
        }
        for order_id, reason, detail in findings
    )
    sql.run(RENEW, [sql.rows(rows)])


def _id_of_finding(order_id: object, reason: str) -> UUID:
    return uuid5(FINDINGS, f"{order_id} {reason}")


@transaction.atomic
def place_again(failure: FailedOrder) -> Order:
    """Place the same order anew, under a new id, at the prices that were agreed.

    Raises InvalidOrderError where that cannot help or nobody wants it any more, and
    PriceChangedError where the customer would have to be asked.
    """
    # The order is the lock of all its failures: each of two could be placed again.
    order = lock_order(failure.order_id)
    failure.refresh_from_db()
    if why := _why_not(order, failure):
        raise InvalidOrderError([FieldError(field=f"order {order.id}", detail=why)])
    failure.replaced_by = place_orders([_same(order)])[0]
    failure.save(update_fields=("replaced_by",))
    return failure.replaced_by


@transaction.atomic
def assign(failure: FailedOrder, *, person: Any, note: str) -> None:
    """Let a person look after a failed order, with a note of what is to be done."""
    failure.person, failure.note = person, note
    failure.save(update_fields=("person", "note"))


def _why_not(order: Order, failure: FailedOrder) -> str:
    """Say why an order that failed so is not to be placed again, or nothing."""
    if failure.event_id == _id_of_finding(order.id, failure.reason):
        return "The reconciler found that it differs: a second order mends nothing."
    if failure.reason not in RETRIABLE:
        return f"After {failure.reason} the customer must pay in another way."
    if order.status != CANCELLED:
        return f"It is {order.status}: only what is cancelled is placed again."
    if order.reason != failure.reason:
        return f"It was cancelled as {order.reason}, and not as {failure.reason}."
    replaced = order.failures.exclude(replaced_by=None).first()
    return f"It was placed again as {replaced.replaced_by_id}." if replaced else ""


def _same(order: Order) -> NewOrder:
    kept = ("method", "payment_token", "country", "email", "phone", "priority")
    return NewOrder(
        **{name: getattr(order, name) for name in kept},
        items=[
            Item(sku=line.sku, quantity=line.quantity, unit_cents=line.unit_cents)
            for line in order.content
        ],
        reference=order.reference,
        customer_ref=order.customer_ref,
        customer_id=order.customer_id,
        trace=order.trace,
    )
