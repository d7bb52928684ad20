"""Which orders are looked at: not what is on its way, but whatever may differ."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Reservation, StockItem
from inventory.services import receive_stock
from orders import services
from orders.models import Order
from orders_project.database import sql
from orders_project.messaging.events import OrderCancelled, new_id, utc_now
from orders_project.messaging.models import Inbox, Parcel
from orders_project.messaging.topology import INVENTORY_QUEUE, SHIPPING_QUEUE
from orders_project.reconciler import looking
from payments import services as payments
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment, Refund
from shipping import services as shipping
from shipping.models import CarrierParcel, Shipment
from tests.bus import hear, pump, said
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    enters,
    minutes_pass,
    net,
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


def test_of_an_old_order_that_is_called_off_now_the_money_goes_back(place):
    receive_stock({"TEAPOT": 1})
    order = place(id=made_days_ago(10))
    pump_until(lambda: Order.objects.filter(status="paid"))
    Parcel.objects.all().delete()
    minutes_pass(10 * 24 * 60)
    services.cancel_order(order.pk)
    Parcel.objects.all().delete()
    # Of all queues only shipping's was not lost.
    hear(SHIPPING_QUEUE, *said(OrderCancelled))
    for _night in range(2):
        an_hour_passes()
        reconcile("--repair")
        pump()

    assert (Payment.objects.get().status, net(order)) == ("cancelled", 0)
    assert Reservation.objects.get().status == "released"


def test_of_an_old_order_that_is_paid_at_the_door_now_the_stock_is_sold(done):
    done(id=made_days_ago(10), method="cod")
    Reservation.objects.update(status="held")
    StockItem.objects.update(reserved=1, sold=0)
    Inbox.objects.filter(queue=INVENTORY_QUEUE.name).delete()
    minutes_pass(10 * 24 * 60)
    reconcile("--repair")
    pump()

    assert Reservation.objects.get().status == "committed"


def made_days_ago(days):
    """Return the id of an order that was made then: a UUIDv7 begins with its time."""
    return looking.first_id(utc_now() - timedelta(days=days))[:13] + new_id()[13:]


def test_what_somebody_entered_by_hand_into_the_books_is_left_to_them(
    done, monkeypatch
):
    done()
    an_hour_passes()
    by_hand = staticmethod(lambda _since: iter([["by hand, 12 May"]]))
    monkeypatch.setattr(SimulatedGateway, "touched", by_hand)
    assert reconcile() == ("", False)


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


def test_a_page_of_the_unfinished_reads_none_of_those_after_it(place, monkeypatch):
    monkeypatch.setattr(looking, "PAGE", 2)
    orders = sorted(str(place().pk) for _ in range(7))
    with CaptureQueriesContext(connection) as seen:
        pages = looking.pages_of_old(utc_now() + timedelta(days=1))
        assert [next(pages) for _ in range(3)] == [orders[:2], orders[2:4], orders[4:6]]

    # As in a table with rows: a small one is read as a whole in any case.
    sql.run("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    for one in seen.captured_queries:
        [([explained],)] = sql.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {one['sql']}")
        assert set(rows_read(explained["Plan"])) == {0, 2}


def rows_read(plan):
    """Yield how many rows each scan of a plan came to."""
    if "Relation Name" in plan:
        yield plan["Actual Rows"]
    for child in plan.get("Plans", ()):
        yield from rows_read(child)
