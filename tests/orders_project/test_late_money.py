"""Money that comes too late for its order, all apps together: none is lost between."""

from datetime import timedelta

import pytest
from django.db.models import F

from inventory.models import Reservation, StockItem
from inventory.services import receive_stock
from orders import services
from orders.models import Order
from orders_project.messaging.events import PaymentRefunded, PaymentSucceeded
from payments.gateways import gateway
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment
from tests.bus import pump, said
from tests.orders.conftest import catalogue, place

__all__ = ("catalogue", "place")


def call_off(order):
    services.cancel_order(order.id)


def expire(order):
    older = F("created_at") - timedelta(days=2)
    Order.objects.filter(pk=order.pk).update(created_at=older)
    assert services.expire_orders() == 1


@pytest.mark.parametrize("end", [call_off, expire])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("operation", ["authorise", "capture"])
def test_what_is_charged_while_the_order_ends_goes_back(
    place, monkeypatch, operation, moment, end
):
    receive_stock({"TEAPOT": 1})
    order = place()
    meanwhile(monkeypatch, operation, moment, lambda: (end(order), pump()))
    pump()

    order.refresh_from_db()
    assert order.status == "cancelled"
    assert Payment.objects.get().status == "cancelled"
    assert Reservation.objects.get().status == "released"
    assert (StockItem.objects.get().on_hand, StockItem.objects.get().reserved) == (1, 0)
    assert net_cents(order) == 0
    assert not said(PaymentSucceeded)
    assert len(said(PaymentRefunded)) == ((operation, moment) == ("capture", "after"))


def test_stock_is_held_for_a_payment_as_long_as_it_may_succeed(place, monkeypatch):
    """So there is nothing to reserve again when the money of a living order is late."""
    receive_stock({"TEAPOT": 1})
    order = place()
    meanwhile(monkeypatch, "capture", "before", lambda: (place(), pump()))
    pump()

    assert Reservation.objects.get(pk=order.pk).status == "committed"
    assert sorted(o.status for o in Order.objects.all()) == ["cancelled", "completed"]


def meanwhile(monkeypatch, operation, moment, happens):
    """Have something happen once, before or after the gateway does an operation."""
    real = getattr(SimulatedGateway, operation)

    def call(self, charges):
        monkeypatch.setattr(SimulatedGateway, operation, real)
        if moment == "before":
            happens()
        outcomes = real(self, charges)
        if moment == "after":
            happens()
        return outcomes

    monkeypatch.setattr(SimulatedGateway, operation, call)


def net_cents(order):
    (balance,) = gateway().lookup([str(order.id)])
    return balance.captured_cents - balance.refunded_cents
