"""The sweep: what has stalled starts again, and nothing is done twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models import F

from orders_project.database import sql
from orders_project.messaging.events import ShipmentDelivered
from orders_project.messaging.models import Parcel
from shipping import services, tasks
from shipping.models import Shipment
from tests.bus import pump, said
from tests.shipping.scene import hears, paid, prepared, run, stands, status

pytestmark = pytest.mark.django_db


def lose_every_message_and_wait(**time):
    Parcel.objects.all().delete()
    ago = timedelta(**time or {"hours": 1})
    Shipment.objects.update(updated=F("updated") - ago, tried=F("tried") - ago)


def test_a_preparation_that_got_lost_is_started_again():
    event = paid()
    hears(event)
    lose_every_message_and_wait()

    assert tasks.resume() == 1
    pump()
    assert status(event) == "prepared"


@pytest.mark.parametrize("steps", [[], ["hand_over"]])
def test_a_dispatch_or_a_delivery_that_got_lost_is_started_again(settings, steps):
    settings.CARRIER_DELIVERY_SECONDS = 90
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=steps)
    lose_every_message_and_wait()

    services.resume_idle()
    pump()
    assert (status(event), len(said(ShipmentDelivered))) == ("delivered", 1)


def test_what_is_on_the_road_when_carriers_begin_to_deliver_at_once_arrives(settings):
    settings.CARRIER_DELIVERY_SECONDS = 90
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over"])
    settings.CARRIER_DELIVERY_SECONDS = 0
    lose_every_message_and_wait()

    services.resume_idle()
    pump()
    assert (status(event), len(said(ShipmentDelivered))) == ("delivered", 1)


def test_a_parcel_on_the_road_is_given_the_carriers_time(settings):
    settings.CARRIER_DELIVERY_SECONDS = 7200
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over"])

    lose_every_message_and_wait(hours=1)
    assert services.resume_idle() == 0
    lose_every_message_and_wait(hours=2)
    assert services.resume_idle() == 1


def test_a_nudge_does_not_make_a_parcel_arrive_before_its_time(settings):
    settings.CARRIER_DELIVERY_SECONDS = 7200
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over"])

    assert services.resume([event.order_id]) == []
    lose_every_message_and_wait(hours=2)
    assert services.resume([event.order_id]) == [("delivery", event.order_id)]


def test_a_parcel_that_waits_for_the_customer_rests(settings):
    settings.CARRIER_DELIVERY_SECONDS = None
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over"])
    lose_every_message_and_wait()

    assert services.resume_idle() == 0


def test_twice_in_a_row_it_starts_nothing_the_second_time():
    hears(paid())
    prepared_and_waiting = prepared()
    hears(paid())
    lose_every_message_and_wait()

    assert (services.resume_idle(), services.resume_idle()) == (1, 0)
    assert status(prepared_and_waiting) == "prepared"


def test_a_parcel_that_the_carrier_refuses_is_tried_again_eight_times_in_a_day():
    hears(paid())
    assert started_in_a_day() == 8


def started_in_a_day():
    started = 0
    for _ in range(24 * 12):
        lose_every_message_and_wait(minutes=5)
        started += services.resume_idle()
    return started


def test_what_moved_on_is_given_no_more_time_than_others():
    event = paid()
    hears(event)
    started_in_a_day()
    run(event.order_id, steps=["prepare"])
    hears(stands(event))
    lose_every_message_and_wait(minutes=6)

    assert services.resume_idle() == 1


def test_who_is_named_is_started_at_once_however_often_it_was_swept():
    event = paid()
    hears(event)
    started_in_a_day()

    assert services.resume([event.order_id]) == [("preparation", event.order_id)]


def test_thousands_that_nothing_helps_keep_no_younger_one_waiting():
    Shipment.objects.bulk_create(
        Shipment(order_id=UUID(int=n), status="opened", sweeps=1) for n in range(1_001)
    )
    event = paid()
    hears(event)
    lose_every_message_and_wait()

    services.resume_idle()
    assert Shipment.objects.get(pk=event.order_id).sweeps == 1


#: What a vacuum of an empty table leaves behind: the planner then joins otherwise.
SEEN_EMPTY = """
    UPDATE pg_class SET reltuples = 0, relpages = 1
    WHERE relname = 'shipping_shipment'
"""


@pytest.mark.parametrize("statistics", ["SELECT", SEEN_EMPTY])
def test_the_sweep_takes_a_thousand_at_once_and_a_nudge_all_that_were_named(statistics):
    events = [paid() for _ in range(1_001)]
    hears(*events)
    sql.run(statistics)

    lose_every_message_and_wait()
    assert services.resume_idle() == 1_000
    lose_every_message_and_wait()
    assert len(services.resume([event.order_id for event in events])) == 1_001
