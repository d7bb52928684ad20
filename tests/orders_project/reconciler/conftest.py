"""Orders that were carried to one of their ends."""

import pytest

from inventory.services import receive_stock
from orders import services
from payments.models import Payment
from tests.bus import pump
from tests.orders.conftest import catalogue, place
from tests.orders_project.reconciler.differences import pump_until

__all__ = ("catalogue", "place")


@pytest.fixture
def done(place):
    """Place an order and carry it to its end."""

    def done(**fields):
        receive_stock({"TEAPOT": 1})
        order = place(**fields)
        pump()
        order.refresh_from_db()
        return order

    return done


@pytest.fixture
def cancelled(place):
    """Place an order that is called off after it was charged."""

    def cancelled():
        receive_stock({"TEAPOT": 1})
        order = place()
        pump_until(lambda: Payment.objects.filter(pk=order.pk, status="settled"))
        services.cancel_order(order.pk)
        pump()
        return order

    return cancelled
