"""The sweep: what has stalled starts again, and nothing is done twice."""

from contextlib import closing
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.db.models import F

from orders_project.messaging import nudging
from orders_project.messaging.events import (
    CodAccepted,
    PaymentRefunded,
    PaymentSucceeded,
    ShipmentDelivered,
)
from orders_project.messaging.models import Nudge, Parcel
from payments import services, tasks
from payments.models import GatewayEntry, Payment, Refund
from tests.bus import pump, said
from tests.payments.scene import cancelled, charge, hears, reserved, status

pytestmark = pytest.mark.django_db


def lose_every_message_and_wait(**time):
    Parcel.objects.all().delete()
    ago = timedelta(**time or {"hours": 1})
    for model in (Payment, Refund):
        model.objects.update(updated=F("updated") - ago, tried=F("tried") - ago)


@pytest.mark.parametrize("done", [(), ("authorise",)])
def test_a_chain_that_got_lost_is_started_again(done):
    event = reserved()
    hears(event)
    charge(event.order_id, steps=done)
    lose_every_message_and_wait()

    assert tasks.resume() == 1
    pump()

    assert status(event) == "settled"
    assert GatewayEntry.objects.count() == 2


def test_cash_on_delivery_is_accepted_and_collected_too():
    event = reserved(method="cod")
    hears(event)
    lose_every_message_and_wait()
    services.resume_idle()
    pump()
    assert len(said(CodAccepted)) == 1

    hears(ShipmentDelivered(order_id=event.order_id))
    lose_every_message_and_wait()
    services.resume_idle()
    pump()
    assert len(said(PaymentSucceeded)) == 1


def test_a_refund_that_got_lost_is_started_again():
    event = reserved()
    hears(event)
    pump()
    hears(cancelled(event))
    lose_every_message_and_wait()

    assert services.resume_idle() == 1
    pump()
    assert len(said(PaymentRefunded)) == 1


def test_an_orders_timeline_tells_which_chains_were_started_again_and_by_whom():
    event = reserved()
    hears(event)
    lose_every_message_and_wait()
    tasks.resume()

    assert nudges(event) == [("prepaid", "sweeper")]


def test_who_is_named_does_not_wait_until_it_has_rested_long_enough():
    event, other = reserved(), reserved()
    hears(event, other)
    Parcel.objects.all().delete()

    nudging.nudge([event.order_id], by="ada")
    pump()

    assert (status(event), status(other)) == ("settled", "opened")
    assert nudges(event) == [("events", "ada"), ("prepaid", "ada")]


@pytest.mark.django_db(transaction=True)
def test_one_sweep_at_a_time_in_the_whole_system():
    hears(reserved())
    lose_every_message_and_wait()
    name = "payments.services.resume_idle"
    with (
        closing(connections.create_connection("default")) as other,
        other.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        assert tasks.resume() == 0
        # Not by closing alone: the server may notice that a moment later.
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])
    assert tasks.resume() == 1


def nudges(event):
    found = Nudge.objects.filter(order_id=event.order_id)
    return sorted(found.values_list("what", "by"))


def test_twice_in_a_row_it_starts_nothing_the_second_time():
    hears(reserved())
    lose_every_message_and_wait()

    assert (services.resume_idle(), services.resume_idle()) == (1, 0)


@pytest.mark.parametrize("model", [Payment, Refund])
def test_what_nothing_helps_is_started_again_eight_times_in_a_day(model):
    rests(model)
    assert started_in_a_day() == 8


def rests(model):
    """Return the event of a payment, or of a refund, of which nothing goes on."""
    event = reserved()
    hears(event)
    if model is Refund:
        pump()
        hears(cancelled(event))
    return event


def started_in_a_day():
    started = 0
    for _ in range(24 * 12):
        lose_every_message_and_wait(minutes=5)
        started += services.resume_idle()
    return started


def test_what_moved_on_is_given_no_more_time_than_others():
    event = reserved()
    hears(event)
    started_in_a_day()
    charge(event.order_id, steps=["authorise"])
    lose_every_message_and_wait(minutes=6)

    assert services.resume_idle() == 1


@pytest.mark.parametrize("model", [Payment, Refund])
def test_who_is_named_is_started_at_once_however_often_it_was_swept(model):
    event = rests(model)
    started_in_a_day()
    lose_every_message_and_wait(seconds=1)

    assert [one for _, one in services.resume([event.order_id])] == [event.order_id]


@pytest.mark.parametrize("model", [Payment, Refund])
def test_thousands_that_nothing_helps_keep_no_younger_one_waiting(model):
    begun = {"status": "opened", "method": "prepaid"} if model is Payment else {}
    model.objects.bulk_create(
        model(order_id=UUID(int=n), sweeps=1, **begun) for n in range(1_001)
    )
    event = rests(model)
    lose_every_message_and_wait()

    services.resume_idle()
    assert model.objects.get(pk=event.order_id).sweeps == 1


def test_what_is_young_or_at_its_end_rests():
    young, done, agreed = reserved(), reserved(), reserved(method="cod")
    hears(done, agreed)
    pump()
    lose_every_message_and_wait()
    hears(young)

    assert services.resume_idle() == 0


def test_the_sweep_takes_a_thousand_at_once_and_a_nudge_all_that_were_named():
    events = [reserved() for _ in range(1_001)]
    hears(*events)

    lose_every_message_and_wait()
    assert services.resume_idle() == 1_000
    lose_every_message_and_wait()
    assert len(services.resume([event.order_id for event in events])) == 1_001
