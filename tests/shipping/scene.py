"""What the shipping tests share: events that arrive, and steps that run."""

from orders_project.messaging.events import (
    CodAccepted,
    DeliveryConfirmed,
    OrderCancelled,
    OrderShipped,
    PaymentSucceeded,
    new_id,
)
from orders_project.messaging.topology import SHIPPING_QUEUE
from shipping import tasks
from shipping.models import Shipment
from tests.bus import hear, pump

TRACE = f"00-{'1' * 32}-{'2' * 16}-01"


def paid(**changes):
    """Return the event that asks for a shipment."""
    return PaymentSucceeded(
        **{
            "order_id": new_id(),
            "amount_cents": 1999,
            "currency": "USD",
            "method": "prepaid",
            "country": "DE",
            "trace": TRACE,
        }
        | changes
    )


def cash_agreed():
    return CodAccepted(
        order_id=new_id(), amount_cents=1999, currency="USD", country="DE"
    )


def stands(event):
    """Return the order's word that its parcel may leave."""
    return OrderShipped(order_id=event.order_id, tracking="")


def confirmed(event):
    return DeliveryConfirmed(order_id=event.order_id)


def cancelled(event):
    return OrderCancelled(order_id=event.order_id, reason="customer")


def hears(*events):
    hear(SHIPPING_QUEUE, *events)


def prepared():
    """Return the payment of an order whose parcel is prepared by now."""
    event = paid()
    hears(event)
    pump()
    return event


def run(*ids, steps):
    """Run steps as a worker would, each with what the last one returned."""
    for step in steps:
        ids = getattr(tasks, step)(ids)
    return list(ids)


def status(event):
    return Shipment.objects.get(pk=event.order_id).status
