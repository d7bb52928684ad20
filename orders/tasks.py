"""What this app does when it hears something, and what beat asks of it."""

from collections.abc import Sequence

from celery import shared_task

from orders import services
from orders_project.messaging.events import (
    PaymentFailed,
    PaymentSucceeded,
    ShipmentDelivered,
    ShipmentPrepared,
    StockRanOut,
)
from orders_project.messaging.hearing import hears
from orders_project.messaging.topology import FAILED_ORDER_QUEUE, ORDER_QUEUE


@hears(StockRanOut, PaymentFailed, on=ORDER_QUEUE)
def cancel_orders(events: Sequence[StockRanOut | PaymentFailed]) -> None:
    """Cancel orders that cannot go on."""
    services.cancel_orders(events)


@hears(PaymentSucceeded, on=ORDER_QUEUE)
def record_payments(events: Sequence[PaymentSucceeded]) -> None:
    """Note that orders are paid."""
    services.record_payments(events)


@hears(ShipmentPrepared, on=ORDER_QUEUE)
def ship_orders(events: Sequence[ShipmentPrepared]) -> None:
    """Let parcels leave, unless their orders were cancelled."""
    services.ship_orders(events)


@hears(ShipmentDelivered, on=ORDER_QUEUE)
def record_deliveries(events: Sequence[ShipmentDelivered]) -> None:
    """Note deliveries, and complete the orders that are paid."""
    services.record_deliveries(events)


# No inbox: a failure's row is unique by the event's id.
@hears(StockRanOut, PaymentFailed, on=FAILED_ORDER_QUEUE, inbox=False)
def record_failures(events: Sequence[StockRanOut | PaymentFailed]) -> None:
    """Put failed orders on the desk of the people who look after them."""
    services.record_failures(events)


@shared_task(name="orders.tasks.sweep")
def sweep() -> str:
    """Send the events of idle orders again."""
    return f"{services.nudge_idle_orders()} orders nudged"


@shared_task(name="orders.tasks.expire")
def expire() -> str:
    """Cancel the orders that were not paid in time."""
    return f"{services.expire_orders()} orders expired"


@shared_task(name="orders.tasks.prune")
def prune() -> str:
    """Delete what retention no longer needs."""
    forgotten = services.forget_keys()
    forgotten.go_on(prune)
    return f"{forgotten.rows} keys forgotten"
