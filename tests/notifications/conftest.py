"""A bus for the notifications: events as the orders app says them, and a mail box."""

import pytest

from notifications import tasks  # noqa: F401 - what the queues run
from orders_project.messaging.events import (
    Line,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderPaid,
    OrderShipped,
    new_id,
)


@pytest.fixture(autouse=True)
def outgoing(settings, tmp_path):
    settings.OUTGOING_DIR = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def confirmed_later(settings):
    settings.CONFIRMATION_DELAY_SECONDS = 5


@pytest.fixture
def order():
    return Order()


class Order:
    """One order's events, as many as a test needs."""

    def __init__(self, **data):
        self.id = new_id()
        self.data = data

    def created(self, **data):
        return OrderCreated(
            order_id=self.id,
            **{
                "lines": (Line(sku="TEAPOT", quantity=2, unit_cents=1999),),
                "total_cents": 3998,
                "currency": "USD",
                "method": "prepaid",
                "payment_token": "tok_ok",
                "country": "LK",
                "category": "tea",
                "email": "gayal@example.org",
                "phone": "+94771234567",
            }
            | self.data
            | data,
        )

    def paid(self, **data):
        return OrderPaid(
            order_id=self.id, **{"total_cents": 3998, "currency": "USD"} | data
        )

    def shipped(self, tracking="WB-1"):
        return OrderShipped(order_id=self.id, tracking=tracking)

    def completed(self):
        return OrderCompleted(order_id=self.id)

    def cancelled(self, reason="customer"):
        return OrderCancelled(order_id=self.id, reason=reason)
