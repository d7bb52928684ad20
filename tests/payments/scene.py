"""What the payment tests share: events that arrive, and chains that run."""

from orders_project.messaging.events import (
    OrderCancelled,
    StockReserved,
    new_id,
)
from orders_project.messaging.topology import PAYMENT_QUEUE
from payments import tasks
from payments.gateways import gateway
from payments.models import Payment, Refund
from tests.bus import hear


def reserved(token="tok_ok", **changes):
    """Return the event that asks for a payment of 19.99."""
    return StockReserved(
        **{
            "order_id": new_id(),
            "total_cents": 1999,
            "currency": "USD",
            "method": "prepaid",
            "payment_token": token,
            "country": "DE",
            "trace": f"00-{'1' * 32}-{'2' * 16}-01",
        }
        | changes
    )


def cancelled(event, reason="customer"):
    return OrderCancelled(order_id=event.order_id, reason=reason)


def hears(*events):
    hear(PAYMENT_QUEUE, *events)


def charge(*ids, steps=("authorise", "capture")):
    """Run the steps of a chain as a worker would, each with what the last returned."""
    for step in steps:
        ids = getattr(tasks, step)(ids)
    return list(ids)


def status(event):
    return Payment.objects.get(pk=event.order_id).status


def refund_status(event):
    return Refund.objects.get(pk=event.order_id).status


def books(event):
    """Return what the gateway's own books say."""
    (balance,) = gateway().lookup([event.order_id])
    return balance


def net_cents(event):
    balance = books(event)
    return balance.captured_cents - balance.refunded_cents
