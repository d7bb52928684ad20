"""What this app does when it hears something."""

from collections.abc import Sequence

from inventory import services
from orders_project.messaging.events import (
    OrderCancelled,
    OrderCreated,
    PaymentFailed,
    PaymentSucceeded,
)
from orders_project.messaging.hearing import hears
from orders_project.messaging.topology import INVENTORY_QUEUE


@hears(OrderCreated, on=INVENTORY_QUEUE)
def reserve_stock(events: Sequence[OrderCreated]) -> None:
    """Reserve stock for each order, or for none of its lines."""
    services.reserve_stock(events)


@hears(PaymentSucceeded, on=INVENTORY_QUEUE)
def commit_stock(events: Sequence[PaymentSucceeded]) -> None:
    """Turn reserved stock into sold."""
    services.commit_stock(events)


@hears(PaymentFailed, OrderCancelled, on=INVENTORY_QUEUE)
def release_stock(events: Sequence[PaymentFailed | OrderCancelled]) -> None:
    """Give stock back."""
    services.release_stock(events)
