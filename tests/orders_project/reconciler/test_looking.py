"""Which orders are looked at: not what is on its way, but whatever may differ."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.services import receive_stock
from orders.models import Order
from orders_project.reconciler import looking
from payments import services as payments
from payments.models import Payment, Refund
from shipping import services as shipping
from shipping.models import CarrierParcel, Shipment
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    enters,
    minutes_pass,
    pump_until,
    reconcile,
    sentence,
    set_to,
)

pytestmark = pytest.mark.django_db


def test_what_is_in_order_is_left_in_peace(done, cancelled):
    done()
    done(method="cod")
    done(payment_token="tok_declined")
    cancelled()
    an_hour_passes()
    assert reconcile() == ("", False)


def test_what_moved_just_now_is_on_its_way(done):
    order = done()
    enters(order.pk, "captured", 1)
    minutes_pass(14)
    assert reconcile() == ("", False)
    minutes_pass(2)
    assert reconcile()[1]


def test_what_the_gateway_did_just_now_is_on_its_way_here(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(status="opened"))
    an_hour_passes()
    enters(order.pk, "authorised", 1999)
    assert reconcile() == ("", False)


@pytest.mark.parametrize(("since", "seen"), [("0m", False), ("2h", True)])
def test_only_what_is_young_enough_is_looked_at(done, since, seen):
    set_to(Payment, done(), amount_cents=1)
    an_hour_passes()
    assert reconcile("--since", since)[1] is seen


@pytest.mark.parametrize("unfinished", [Order, Payment, Shipment])
def test_however_old_what_is_unfinished_is_looked_at(done, unfinished):
    first = {Order: "paid", Payment: "opened", Shipment: "opened"}
    order = done()
    set_to(unfinished, order, status=first[unfinished])
    an_hour_passes()
    assert str(order.pk) in reconcile("--since", "0m")[0]


@pytest.mark.parametrize("who", ["gateway", "carrier"])
def test_however_old_an_order_what_others_do_with_it_is_looked_at(
    done, monkeypatch, who
):
    order = done()
    monkeypatch.setattr(looking, "first_id", lambda _moment: str(UUID(int=2**128 - 1)))
    DOES[who](order)
    minutes_pass(20)
    assert str(order.pk) in reconcile("--since", "30m")[0]
    minutes_pass(20)
    assert reconcile("--since", "30m") == ("", False)


DOES = {
    "gateway": lambda order: enters(order.pk, "refunded", 1999),
    "carrier": lambda _: CarrierParcel.objects.update(taken=None),
}


def parcel_of_a_paid_order_rests(order):
    set_to(Order, order, status="paid")
    set_to(Shipment, order, status="opened")


RESTS = {
    "payment_rests": lambda order: set_to(Payment, order, status="due"),
    "refund_rests": lambda order: Refund.objects.create(order_id=order.pk),
    "parcel_rests": parcel_of_a_paid_order_rests,
}


@pytest.mark.parametrize("cause", RESTS)
def test_what_the_sweep_starts_again_in_vain_is_not_hidden_by_it(done, cause):
    RESTS[cause](done())
    an_hour_passes()
    assert payments.resume_idle() + shipping.resume_idle() == 1
    assert sentence(cause) in reconcile()[0]


def test_a_page_of_orders_takes_as_many_statements_as_one(done):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            reconcile()
        return len(queries)

    done()
    one = statements()
    for _ in range(5):
        done()
    assert statements() == one
