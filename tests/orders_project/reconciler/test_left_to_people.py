"""What is not safe to mend is named, and left to people on the failed-order desk."""

from datetime import timedelta

import pytest

from inventory.models import Reservation, ReservationLine
from inventory.services import receive_stock
from orders.models import FailedOrder, Order, Product
from orders.pricing import Item
from orders_project.messaging.events import new_id, utc_now
from orders_project.messaging.models import Nudge, Parcel
from orders_project.messaging.nudging import RECONCILER
from orders_project.reconciler.checks import CHECKS, PERSON
from payments.gateways.ledger import GatewayEntry
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment, Refund
from payments.services import resume_idle
from payments.tasks import refund
from shipping.models import CarrierParcel, Shipment
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    enters,
    pump_until,
    reconcile,
    sentence,
    set_to,
)

pytestmark = pytest.mark.django_db

SPOILED = {
    "charged_cash": ("cod", lambda order: enters(order.pk, "captured", 1999)),
    "captured_only_here": (
        "prepaid",
        lambda order: GatewayEntry.objects.filter(state="captured").delete(),
    ),
    "refunded_only_there": (
        "prepaid",
        lambda order: enters(order.pk, "refunded", 500),
    ),
    "amount_there": ("prepaid", lambda order: enters(order.pk, "captured", 1999)),
    "amount_here": ("prepaid", lambda order: set_to(Payment, order, amount_cents=1)),
    "paid_without_money": (
        "cod",
        lambda order: set_to(Payment, order, status="failed"),
    ),
    "stock_lost": (
        "prepaid",
        lambda order: set_to(Reservation, order, status="released"),
    ),
    "parcel_lost": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="cancelled"),
    ),
    "stock_uneven": (
        "prepaid",
        lambda _: ReservationLine.objects.update(quantity=2),
    ),
    "shipped_only_there": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="cancelled"),
    ),
    "shipped_only_here": (
        "prepaid",
        lambda _: CarrierParcel.objects.update(taken=None),
    ),
    "booked_only_here": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="prepared", tracking="SX1"),
    ),
    "charged_unknown": (
        "prepaid",
        lambda order: Payment.objects.all().delete(),
    ),
    "does_not_move": (
        "prepaid",
        lambda order: set_to(Order, order, status="paid", nudges=6),
    ),
}


@pytest.mark.parametrize("cause", SPOILED)
def test_what_is_not_safe_to_mend_is_on_the_desk_once_however_many_nights(done, cause):
    method, spoil = SPOILED[cause]
    order = done(method=method)
    spoil(order)
    an_hour_passes()

    assert sentence(cause) in reconcile()[0]
    assert not FailedOrder.objects.exists()
    for _night in range(3):
        told, left = reconcile("--repair")
        assert left
        assert "It is on the failed-order desk now" in told
        an_hour_passes()
    row = FailedOrder.objects.get(reason=cause)
    assert row.order_id == order.pk
    assert sentence(cause) in row.detail


def leaves(order):
    set_to(Shipment, order, status="in_transit")
    CarrierParcel.objects.create(order_id=order.pk, tracking="SX1", taken=utc_now())


AFTERWARDS = {
    "refunded_only_here": lambda _: GatewayEntry.objects.filter(
        state="refunded"
    ).delete(),
    "cancelled_parcel_left": leaves,
}


@pytest.mark.parametrize("cause", AFTERWARDS)
def test_so_is_what_goes_wrong_after_a_cancellation(cancelled, cause):
    AFTERWARDS[cause](cancelled())
    an_hour_passes()
    reconcile("--repair")
    assert FailedOrder.objects.get().reason == cause


def test_every_check_that_leaves_it_to_a_person_was_seen_to():
    seen = {*SPOILED, *AFTERWARDS}
    assert seen == {one.name for one in CHECKS if one.remedy is PERSON}


def test_what_a_nudge_did_not_help_goes_to_the_desk(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(status="settled"))
    for left in (False, True):
        Parcel.objects.all().delete()
        an_hour_passes()
        assert reconcile("--repair")[1] is left
    assert {row.order_id for row in FailedOrder.objects.all()} == {order.pk}


def test_a_refund_that_the_gateway_never_answers_goes_to_the_desk(done, monkeypatch):
    order = done()
    Refund.objects.create(order_id=order.pk)
    monkeypatch.setattr(SimulatedGateway, "refund_or_void", says_nothing)
    for left in (False, True):
        an_hour_passes()
        refund([str(order.pk)])
        resume_idle()
        refund([str(order.pk)])
        told, is_left = reconcile("--repair")
        assert sentence("refund_rests") in told
        assert is_left is left
    assert FailedOrder.objects.get().reason == "refund_rests"


def says_nothing(_self, reversals):
    return [UNANSWERED for _ in reversals]


def test_a_charge_for_an_order_that_nobody_knows_is_reported(done):
    done()
    stranger = new_id()
    enters(stranger, "captured", 700)
    found, left = reconcile("--repair")
    assert f"{stranger}: the gateway took money for an order that is not here" in found
    assert left


def test_a_parcel_of_an_order_that_nobody_knows_is_reported(done):
    done()
    stranger = new_id()
    CarrierParcel.objects.create(order_id=stranger, tracking="SX2")
    enters(stranger, "captured", 700)
    found, left = reconcile("--repair")
    assert f"{stranger}: the carrier has a parcel of an order that is not" in found
    assert "sent back" in found
    assert found.count(stranger) == 2
    assert left


def test_a_carrier_that_does_not_know_what_we_booked_is_named(done):
    order = done()
    set_to(Shipment, order, status="released")
    CarrierParcel.objects.all().delete()
    an_hour_passes()
    assert sentence("booked_only_here") in reconcile()[0]


def test_other_units_than_were_ordered_are_named_by_their_sku(done):
    done()
    ReservationLine.objects.update(quantity=3)
    an_hour_passes()
    assert "it has 3 of TEAPOT for 1" in reconcile()[0]


def test_a_nudge_of_long_ago_was_for_something_else(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(status="settled"))
    Parcel.objects.all().delete()
    long_ago = utc_now() - timedelta(days=30)
    Nudge.objects.create(order_id=order.pk, what="events", by=RECONCILER, at=long_ago)
    an_hour_passes()
    assert reconcile("--repair")[1] is False
    assert not FailedOrder.objects.exists()


def test_a_free_order_is_nobodys_business(done):
    Product.objects.filter(sku="TEAPOT").update(unit_cents=0)
    assert done(items=[Item(sku="TEAPOT")]).status == "completed"
    an_hour_passes()
    assert reconcile() == ("", False)
