"""What is safe to mend is mended, and the order goes on."""

import pytest

from inventory.models import Reservation, StockItem
from inventory.services import receive_stock
from orders import services
from orders.models import Order
from orders_project.messaging.events import PaymentRefunded, utc_now
from orders_project.messaging.models import Parcel
from payments.gateways.ledger import GatewayAccount
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment
from shipping.models import CarrierParcel, Shipment
from tests.bus import pump, said
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    enters,
    net,
    pump_until,
    reconcile,
    sentence,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("operation", ["authorise", "capture"])
def test_a_charge_whose_answer_was_lost_is_recorded_and_the_order_goes_on(
    place, monkeypatch, operation
):
    receive_stock({"TEAPOT": 1})
    order = place()
    loses_one_answer(monkeypatch, operation)
    pump()
    an_hour_passes()

    found, left = reconcile()
    assert f"{order.pk}: the gateway charged, and here that is not" in found
    assert f"manage.py nudge {order.pk}" in found
    assert left

    assert reconcile("--repair")[1] is False
    pump()
    order.refresh_from_db()
    assert (order.status, net(order)) == ("completed", 1999)


def loses_one_answer(monkeypatch, operation):
    real = getattr(SimulatedGateway, operation)

    def call(self, charges):
        monkeypatch.setattr(SimulatedGateway, operation, real)
        return [UNANSWERED for _ in real(self, charges)]

    monkeypatch.setattr(SimulatedGateway, operation, call)


@pytest.mark.parametrize("ending", ["cancelled", "declined"])
def test_a_charge_that_turns_up_after_the_end_is_given_back(place, done, ending):
    """The gateway knew no void of what it had not seen yet, and never answered."""
    if ending == "cancelled":
        order = cancelled_before_charge(place)
    else:
        order = done(payment_token="tok_declined")
    enters(order.pk, "captured", 1999)
    an_hour_passes()

    assert "the payment has ended without money" in reconcile("--repair")[0]
    pump()
    assert len(said(PaymentRefunded)) == 1
    assert net(order) == 0
    an_hour_passes()
    assert reconcile() == ("", False)


def cancelled_before_charge(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(pk=order.pk))
    Parcel.objects.all().delete()
    services.cancel_order(order.pk)
    pump()
    return order


def test_a_payment_that_the_gateway_voided_fails_and_its_order_ends(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(pk=order.pk, status="opened"))
    Parcel.objects.all().delete()
    GatewayAccount.objects.create(order_id=order.pk, closed=True)
    an_hour_passes()

    assert "the gateway voided it" in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert (order.status, order.reason) == ("cancelled", "voided_at_gateway")
    assert Payment.objects.get().status == "failed"


LOST = {
    "success_unheard": lambda: Payment.objects.filter(status="settled"),
    "stock_not_asked_for": lambda: Reservation.objects.filter(status="held"),
    "parcel_rests": lambda: Order.objects.filter(status="paid"),
}


@pytest.mark.parametrize("cause", LOST)
def test_where_messages_were_lost_they_are_sent_again(place, cause):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(LOST[cause])
    Parcel.objects.all().delete()
    an_hour_passes()

    assert sentence(cause) in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert order.status == "completed"


def test_a_parcel_that_the_carrier_took_without_our_knowing_goes_on(place):
    """It was handed over, and our worker died before it could note that."""
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Shipment.objects.filter(status="released"))
    Parcel.objects.all().delete()
    CarrierParcel.objects.update(taken=utc_now())
    an_hour_passes()

    assert sentence("parcel_rests") in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert order.status == "completed"


def test_a_cancellation_that_never_arrived_undoes_every_part(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Shipment.objects.filter(status="prepared"))
    services.cancel_order(order.pk)
    Parcel.objects.all().delete()
    an_hour_passes()

    found = reconcile("--repair")[0]
    for part in ("payment", "stock", "parcel"):
        assert sentence(f"cancellation_unheard_by_{part}") in found
    pump()
    assert net(order) == 0
    assert Reservation.objects.get().status == "released"
    assert Shipment.objects.get().status == "cancelled"
    an_hour_passes()
    assert reconcile() == ("", False)


def test_figures_of_stock_are_made_the_sum_of_the_orders_again(done):
    done()
    StockItem.objects.update(received=10, sold=4, reserved=2)

    assert "TEAPOT: the figures" in reconcile()[0]
    assert reconcile("--repair")[1] is False
    item = StockItem.objects.get()
    assert (item.reserved, item.sold) == (0, 1)


def test_figures_that_would_promise_more_than_there_is_stay_for_a_person(done):
    done()
    StockItem.objects.update(sold=0, received=0)
    assert reconcile("--repair")[1]
