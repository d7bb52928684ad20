"""What payments hears and answers, and the steps of its chains."""

from collections.abc import Sequence
from typing import Any

from celery import shared_task
from django.conf import settings

from orders_project.messaging.errors import RetryLater
from orders_project.messaging.events import (
    OrderCancelled,
    PaymentAsked,
    ShipmentDelivered,
    StockReserved,
)
from orders_project.messaging.hearing import hears
from orders_project.messaging.nudging import restarts
from orders_project.messaging.rpc import answers
from orders_project.messaging.steps import attempt, retry_step, step
from orders_project.messaging.topology import PAYMENT_QUEUE, PAYMENT_RPC_QUEUE
from payments import charges, refunds, selectors, services
from payments.charges import Progress

NO_ANSWER = RetryLater("The payment gateway did not answer; its books may know more.")


@hears(StockReserved, on=PAYMENT_QUEUE)
def open_payments(events: Sequence[StockReserved]) -> None:
    """Open a payment for each order and start the chain of its method."""
    services.open_payments(events)


@hears(ShipmentDelivered, on=PAYMENT_QUEUE)
def mark_due(events: Sequence[ShipmentDelivered]) -> None:
    """Have the cash collected of orders that owe it."""
    services.mark_due(events)


@hears(OrderCancelled, on=PAYMENT_QUEUE)
def cancel_payments(events: Sequence[OrderCancelled]) -> None:
    """Stop the payments, and undo what was charged."""
    refunds.cancel(events)


@answers(PaymentAsked, on=PAYMENT_RPC_QUEUE)
def confirm_payment(asked: PaymentAsked) -> dict[str, Any]:
    """Answer what the gateway itself says of an order's payment."""
    return selectors.payment_at_gateway(asked.order_id)


@step
def authorise(ids: Sequence[str]) -> Sequence[str]:
    """Have the gateway hold the money."""
    return _go_on(charges.authorise(ids))


@step
def capture(ids: Sequence[str]) -> Sequence[str]:
    """Have the gateway take the money that it holds: it is ours."""
    return _go_on(charges.capture(ids))


@step
def accept(ids: Sequence[str]) -> Sequence[str]:
    """Agree to cash on delivery."""
    services.accept(ids)
    return ids


@step
def collect(ids: Sequence[str]) -> Sequence[str]:
    """Record the cash as ours."""
    services.collect(ids)
    return ids


@step
def refund(ids: Sequence[str]) -> Sequence[str]:
    """Void the payments, or give the money back."""
    refunds.refund(ids)
    return ids


@shared_task(name="payments.tasks.resume")
def resume() -> int:
    """Start again what has stalled: a broker may have lost its messages."""
    return services.resume_idle()


restarts(services.resume)


def _go_on(progress: Progress) -> Sequence[str]:
    if not _asks_again(progress.unanswered):
        refunds.abandon(progress.unanswered)
    return progress.past


def _asks_again(ids: Sequence[str]) -> bool:
    again = attempt() < settings.PAYMENT_MAX_ATTEMPTS
    return not ids or (again and retry_step(ids, NO_ANSWER))
