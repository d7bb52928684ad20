"""A parcel on its way from the payment to the door."""

import pytest

from orders_project.messaging import models
from orders_project.messaging.events import (
    URGENT,
    ShipmentDelivered,
    ShipmentPrepared,
)
from shipping.carriers import carrier
from shipping.carriers.port import CarrierError, Parcel
from shipping.carriers.simulated import SimulatedCarrier
from shipping.models import Shipment
from tests.bus import pump, said
from tests.shipping.scene import (
    cancelled,
    cash_agreed,
    hears,
    paid,
    prepared,
    run,
    stands,
    status,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", [paid, cash_agreed])
def test_a_payment_or_agreed_cash_has_a_parcel_booked_and_prepared(asked):
    event = asked()
    hears(event)
    pump()

    (told,) = said(ShipmentPrepared)
    shipment = Shipment.objects.get()
    assert (told.carrier, told.tracking) == (shipment.carrier, shipment.tracking)
    assert (told.cause, told.trace) == (event.id, event.trace)
    assert (shipment.status, shipment.country) == ("prepared", "DE")


def test_a_prepared_parcel_stays_in_the_house_until_the_order_stands():
    event = prepared()
    run(event.order_id, steps=["hand_over"])

    assert status(event) == "prepared"
    assert not said(ShipmentDelivered)


def test_once_the_order_stands_it_is_handed_over_and_delivered():
    event = prepared()
    order_shipped = stands(event)
    hears(order_shipped)
    assert status(event) == "released"
    pump()

    (told,) = said(ShipmentDelivered)
    assert (told.cause, told.trace) == (order_shipped.id, event.trace)
    assert status(event) == "delivered"


def test_an_urgent_order_stays_urgent():
    hears(paid(priority=URGENT), paid())

    priorities = models.Parcel.objects.values_list("priority", flat=True)
    assert sorted(priorities) == [1, URGENT]
    pump()
    assert sorted(event.priority for event in said(ShipmentPrepared)) == [1, URGENT]


def test_a_payment_that_is_told_twice_ships_once():
    event = paid()
    hears(event)
    hears(paid(order_id=event.order_id))
    pump()
    run(event.order_id, steps=["prepare"])

    assert Shipment.objects.count() == 1
    assert len(said(ShipmentPrepared)) == 1


def test_cash_collected_at_the_door_ships_nothing_more():
    event = prepared()
    hears(stands(event))
    pump()
    hears(paid(order_id=event.order_id, method="cod"))
    pump()

    assert (status(event), len(said(ShipmentPrepared))) == ("delivered", 1)


def test_an_order_that_stands_twice_leaves_once():
    event = prepared()
    hears(stands(event), stands(event))
    pump()
    hears(stands(event))
    pump()

    assert len(said(ShipmentDelivered)) == 1


@pytest.mark.parametrize("is_opened", [False, True])
def test_the_orders_word_that_comes_too_early_waits_on_a_rung(rungs, is_opened):
    ready, event = prepared(), paid()
    if is_opened:
        hears(event)

    hears(stands(event), stands(ready))

    (early,) = rungs.to("retry.5s")
    assert event.order_id in early.body.decode()
    assert status(ready) == "released"


def test_handed_over_twice_it_is_delivered_once():
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over", "hand_over"])

    assert (status(event), len(said(ShipmentDelivered))) == ("delivered", 1)


def test_a_worker_that_dies_before_it_records_a_hand_over_does_it_again(monkeypatch):
    event = prepared()
    hears(stands(event))
    with monkeypatch.context() as patch:
        patch.setattr("shipping.services.deliver", _die)
        with pytest.raises(SystemExit):
            run(event.order_id, steps=["hand_over"])
    assert status(event) == "released"

    run(event.order_id, steps=["hand_over"])
    assert (status(event), len(said(ShipmentDelivered))) == ("delivered", 1)


def _die(*_args):
    raise SystemExit


def test_what_the_carrier_has_booked_and_nobody_noted_is_prepared_by_its_number():
    event = paid()
    hears(event)
    (booking,) = carrier().book([Parcel(order_id=event.order_id, country="DE")])
    run(event.order_id, steps=["prepare"])

    (told,) = said(ShipmentPrepared)
    assert told.tracking == booking.tracking


def test_a_parcel_that_the_carrier_refuses_harms_nobody_else(monkeypatch, rungs):
    good, bad = paid(), paid(country="XX")
    hears(good, bad)
    real = SimulatedCarrier.book

    def book(self, parcels):
        if any(parcel.country == "XX" for parcel in parcels):
            raise CarrierError("No route to XX")
        return real(self, parcels)

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedCarrier, "book", book)
        pump()
    ((ids, exchange, _),) = rungs
    assert (ids, exchange) == ([bad.order_id], "retry.5s")
    assert (status(good), status(bad)) == ("prepared", "opened")

    run(bad.order_id, steps=["prepare"])
    assert status(bad) == "prepared"


@pytest.mark.parametrize("steps", [[], ["prepare"]])
def test_a_cancelled_order_never_leaves(steps):
    event = paid()
    hears(event)
    run(event.order_id, steps=steps)
    hears(cancelled(event))
    pump()
    run(event.order_id, steps=["prepare", "hand_over"])

    assert status(event) == "cancelled"
    assert not said(ShipmentDelivered)


def test_an_order_cancelled_before_it_comes_is_never_opened():
    event = paid()
    hears(cancelled(event))
    hears(event)
    pump()

    assert status(event) == "cancelled"
    assert not said(ShipmentPrepared)


def test_a_cancellation_that_comes_after_the_parcel_left_changes_nothing():
    event = prepared()
    hears(stands(event))
    hears(cancelled(event))
    pump()

    assert status(event) == "delivered"


def test_a_batch_of_any_size_takes_the_same_number_of_statements(
    django_assert_max_num_queries,
):
    def statements_of(size):
        events = [paid() for _ in range(size)]
        ids = [event.order_id for event in events]
        with django_assert_max_num_queries(200) as seen:
            hears(*events)
            run(*ids, steps=["prepare"])
            hears(*map(stands, events))
            run(*ids, steps=["hand_over"])
            hears(*map(cancelled, events))
        return len(seen)

    assert statements_of(40) == statements_of(2)
    assert Shipment.objects.filter(status="delivered").count() == 42
