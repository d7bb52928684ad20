"""What shipping hears, and the steps of its chains."""

from collections.abc import Sequence

from celery import shared_task

from orders_project.messaging.events import (
    CodAccepted,
    DeliveryConfirmed,
    OrderCancelled,
    OrderShipped,
    PaymentSucceeded,
)
from orders_project.messaging.hearing import hears
from orders_project.messaging.nudging import restarts
from orders_project.messaging.steps import step
from orders_project.messaging.topology import SHIPPING_QUEUE
from shipping import services


@hears(PaymentSucceeded, CodAccepted, on=SHIPPING_QUEUE)
def open_shipments(events: Sequence[PaymentSucceeded | CodAccepted]) -> None:
    """Open a shipment for each order and have it prepared."""
    services.open_shipments(events)


@hears(OrderShipped, on=SHIPPING_QUEUE)
def release(events: Sequence[OrderShipped]) -> None:
    """Have the parcels leave the house."""
    services.release(events)


@hears(DeliveryConfirmed, on=SHIPPING_QUEUE)
def confirm_delivery(events: Sequence[DeliveryConfirmed]) -> None:
    """Mark the parcels that the customers have."""
    services.confirm_delivery(events)


@hears(OrderCancelled, on=SHIPPING_QUEUE)
def cancel_shipments(events: Sequence[OrderCancelled]) -> None:
    """Stop the shipments that have not left."""
    services.cancel(events)


@step
def prepare(ids: Sequence[str]) -> Sequence[str]:
    """Book the parcels at the carrier: they are ready to leave."""
    services.prepare(ids)
    return ids


@step
def hand_over(ids: Sequence[str]) -> Sequence[str]:
    """Hand the released parcels to the carrier."""
    services.hand_over(ids)
    # Else the chain of an older release, which has `deliver` behind it, would not wait.
    return []


@step
def deliver(ids: Sequence[str]) -> Sequence[str]:
    """Record the parcels as delivered."""
    services.deliver(ids)
    return ids


@shared_task(name="shipping.tasks.resume")
def resume() -> int:
    """Start again what has stalled: a broker may have lost its messages."""
    return services.resume_idle()


restarts(services.resume)
