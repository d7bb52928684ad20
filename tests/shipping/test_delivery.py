"""When a parcel counts as delivered: the setting, and the customer's word."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders_project.messaging.events import ShipmentDelivered
from orders_project.messaging.models import Parcel
from tests.bus import pump, said
from tests.shipping.scene import (
    cancelled,
    confirmed,
    hears,
    prepared,
    run,
    stands,
    status,
)

pytestmark = pytest.mark.django_db


def on_the_road():
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over"])
    Parcel.objects.filter(due__lt=timezone.now()).delete()
    return event


def test_a_delay_puts_the_delivery_off(settings):
    settings.CARRIER_DELIVERY_SECONDS = 90
    event = on_the_road()

    (parcel,) = Parcel.objects.all()
    wait = parcel.due - timezone.now()
    assert timedelta(seconds=80) < wait <= timedelta(seconds=90)
    assert "shipping.tasks.deliver" in parcel.headers
    assert status(event) == "in_transit"

    pump()
    assert (status(event), len(said(ShipmentDelivered))) == ("delivered", 1)


@pytest.mark.parametrize("seconds", [90, None])
def test_a_chain_of_an_older_release_delivers_nothing_before_its_time(
    settings, seconds
):
    """It has `deliver` behind the hand-over, whatever the carrier needs."""
    settings.CARRIER_DELIVERY_SECONDS = seconds
    event = prepared()
    hears(stands(event))
    run(event.order_id, steps=["hand_over", "deliver"])

    assert (status(event), said(ShipmentDelivered)) == ("in_transit", [])


def test_without_a_simulated_delivery_it_waits_for_the_customer(settings):
    settings.CARRIER_DELIVERY_SECONDS = None
    event = prepared()
    hears(stands(event))
    pump()
    assert status(event) == "in_transit"

    word = confirmed(event)
    hears(word)

    (told,) = said(ShipmentDelivered)
    assert (status(event), told.cause) == ("delivered", word.id)


def test_the_customers_word_and_the_carriers_deliver_once(settings):
    settings.CARRIER_DELIVERY_SECONDS = 90
    event = on_the_road()
    hears(confirmed(event), confirmed(event))
    pump()
    hears(confirmed(event))

    assert len(said(ShipmentDelivered)) == 1


@pytest.mark.parametrize("released", [True, False])
def test_a_word_that_comes_before_the_parcel_left_waits_on_a_rung(rungs, released):
    event = prepared()
    if released:
        hears(stands(event))
    hears(confirmed(event))

    assert len(rungs.to("retry.5s")) == 1
    assert not said(ShipmentDelivered)


def test_a_word_about_a_cancelled_order_changes_nothing(rungs):
    event = prepared()
    hears(cancelled(event))
    hears(confirmed(event))

    assert status(event) == "cancelled"
    assert not rungs
