"""Cash on delivery: agreed first, collected when the parcel is there."""

import pytest

from orders_project.messaging.events import (
    CodAccepted,
    PaymentRefunded,
    PaymentSucceeded,
    ShipmentDelivered,
)
from orders_project.messaging.models import Parcel
from payments.models import GatewayEntry, Refund
from tests.bus import pump, said
from tests.payments.scene import cancelled, charge, hears, reserved, status

pytestmark = pytest.mark.django_db


def cash():
    return reserved(token="", method="cod")


def test_it_is_accepted_through_its_own_queue_without_the_gateway():
    event = cash()
    hears(event)
    assert Parcel.objects.get().routing_key == "cod"
    pump()

    (accepted,) = said(CodAccepted)
    assert (accepted.amount_cents, accepted.cause) == (1999, event.id)
    assert status(event) == "accepted"
    assert not GatewayEntry.objects.exists()


def test_the_cash_is_ours_once_the_parcel_is_delivered():
    event = cash()
    hears(event)
    pump()
    delivered = ShipmentDelivered(order_id=event.order_id)
    hears(delivered)
    assert status(event) == "due"
    pump()

    (success,) = said(PaymentSucceeded)
    assert (success.method, success.amount_cents) == ("cod", 1999)
    assert (success.cause, success.trace) == (delivered.id, event.trace)
    assert status(event) == "collected"


def test_a_delivery_that_is_told_twice_collects_once():
    event = cash()
    hears(event)
    pump()
    hears(*(ShipmentDelivered(order_id=event.order_id) for _ in range(2)))
    pump()
    charge(event.order_id, steps=["collect"])

    assert len(said(PaymentSucceeded)) == 1


def test_the_delivery_of_a_prepaid_order_changes_nothing():
    event = reserved()
    hears(event)
    pump()
    hears(ShipmentDelivered(order_id=event.order_id))
    pump()

    assert (status(event), len(said(PaymentSucceeded))) == ("settled", 1)


@pytest.mark.parametrize("steps", [[], ["accept"]])
def test_cancelled_there_is_nothing_to_give_back(steps):
    event = cash()
    hears(event)
    charge(event.order_id, steps=steps)
    hears(cancelled(event))
    pump()

    assert status(event) == "cancelled"
    assert len(said(CodAccepted)) == len(steps)
    assert not said(PaymentRefunded)
    assert not Refund.objects.exists()
