"""A bus for the notifications: events as the orders app says them, and a mail box."""

import pytest

from notifications import tasks  # noqa: F401 - what the queues run
from orders_project.messaging.events import (
    OrderCancelled,
    OrderCompleted,
    OrderPaid,
    OrderShipped,
    new_id,
)
from tests.events import created, lines


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
        usual = {
            "order_id": self.id,
            "lines": lines(TEAPOT=2),
            "email": "gayal@example.org",
            "phone": "+94771234567",
        }
        return created(**usual | self.data | data)

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
