"""A database from a backup: the gateway knows what was done since, and is believed."""

import pytest

from inventory.services import receive_stock
from orders.models import FailedOrder
from payments.gateways import gateway
from payments.gateways.port import Charge, Reversal
from payments.models import Payment
from shipping.carriers import carrier
from shipping.carriers.port import Parcel
from tests.bus import pump
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    net,
    pump_until,
    reconcile,
    sentence,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def restored(place):
    """Place an order, of whose payment the backup knows only so much."""

    def restored(status):
        receive_stock({"TEAPOT": 1})
        order = place()
        pump_until(lambda: Payment.objects.filter(status=status))
        return order

    return restored


def test_what_was_charged_and_given_back_since_is_not_shipped(restored):
    order = restored("opened")
    is_charged(order)
    is_given_back(order)
    an_hour_passes()
    reconcile("--repair")
    assert outcome(order) == ("cancelled", "voided_at_gateway", 0)


def test_nor_is_what_was_paid_then_and_given_back_since(restored):
    order = restored("settled")
    is_given_back(order)
    an_hour_passes()
    assert sentence("refunded_there") in reconcile("--repair")[0]
    assert outcome(order) == ("cancelled", "refunded_at_gateway", 0)
    an_hour_passes()
    assert reconcile() == ("", False)


def test_given_back_after_it_had_left_it_is_a_persons_business(restored):
    order = restored("settled")
    carrier().hand_over([Parcel(order_id=str(order.pk), country="US")])
    is_given_back(order)
    an_hour_passes()
    reconcile("--repair")
    assert outcome(order) == ("completed", "", 0)
    assert FailedOrder.objects.get().reason == "refunded_only_there"


@pytest.mark.parametrize("status", ["opened", "settled"])
def test_what_has_left_the_house_since_comes_to_its_end_and_is_nobodys_business(
    restored, status
):
    order = restored(status)
    if status == "opened":
        is_charged(order)
    carrier().hand_over([Parcel(order_id=str(order.pk), country="US")])
    an_hour_passes()
    assert sentence("shipped_since") in reconcile("--repair")[0]
    assert outcome(order) == ("completed", "", 1999)
    an_hour_passes()
    assert reconcile() == ("", False)
    assert not FailedOrder.objects.exists()


def is_charged(order):
    charge = {
        "order_id": str(order.pk),
        "amount_cents": 1999,
        "currency": "USD",
        "token": "tok_ok",
    }
    gateway().authorise([Charge(key=f"{order.pk}:authorise", **charge)])
    gateway().capture([Charge(key=f"{order.pk}:capture", **charge)])


def is_given_back(order):
    reversal = Reversal(key=f"{order.pk}:refund:1", order_id=str(order.pk))
    gateway().refund_or_void([reversal])


def outcome(order):
    pump()
    order.refresh_from_db()
    return order.status, order.reason, net(order)
