"""Stalled orders have their events sent again."""

import re
from contextlib import closing
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections

from orders import selectors, services, tasks
from orders.models import Order
from orders.services.nudging import IDLE
from orders_project.database import sql
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Nudge, Parcel

SWEEP = "orders.services.nudging.nudge_idle_orders"


def idle(order, seconds):
    Order.objects.filter(pk=order.pk).update(
        updated_at=utc_now() - timedelta(seconds=seconds)
    )
    Parcel.objects.all().delete()


def test_the_sweep_sends_the_events_of_idle_orders_again(order, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    assert tasks.sweep() == "1 orders nudged"
    assert [parcel.routing_key for parcel in Parcel.objects.all()] == ["order.created"]
    assert tasks.sweep() == "0 orders nudged"


def test_a_sweep_is_on_the_orders_timeline_and_counted_by_stats(
    order, settings, capsys
):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    tasks.sweep()
    call_command("stats")

    assert re.search(r"nudges by sweeper\s*│\s*1", capsys.readouterr().out)
    swept = selectors.timeline(order.pk, for_staff=False)[-1]
    assert (swept["type"], swept["data"]["by"]) == ("nudged", "sweeper")


def test_each_nudge_doubles_the_wait_for_the_next(order, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    tasks.sweep()
    idle(order, 199)
    assert tasks.sweep() == "0 orders nudged"
    idle(order, 201)
    assert tasks.sweep() == "1 orders nudged"


def swept():
    return set(Nudge.objects.values_list("order_id", flat=True))


def test_of_many_orders_the_young_in_trouble_come_first_and_parcels_last(
    place, settings, monkeypatch
):
    settings.CARRIER_DELIVERY_SECONDS = 0
    monkeypatch.setattr("orders.services.nudging.BATCH", 1)
    shipped, nudged, fresh = place(), place(), place()
    Order.objects.filter(pk=shipped.pk).update(status="shipped")
    Order.objects.filter(pk=nudged.pk).update(nudges=1)
    Order.objects.update(updated_at=utc_now() - timedelta(days=30))

    for first in ({fresh.pk}, {fresh.pk, nudged.pk}, {fresh.pk, nudged.pk, shipped.pk}):
        assert tasks.sweep() == "1 orders nudged"
        assert swept() == first


def test_the_sweep_reads_open_orders_alone(order):
    sql.run("SET LOCAL enable_seqscan = off")  # as in a worker: database/index_scans.py
    plan = str(sql.fetch(f"EXPLAIN {IDLE}", [300, 0, 500]))
    assert "open_orders" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(("carrier", "seconds"), [(7200, 7200), (None, 24 * 3600)])
def test_a_parcel_on_the_road_is_given_the_carriers_time_or_a_day(
    order, settings, carrier, seconds
):
    settings.SWEEP_IDLE_SECONDS, settings.CARRIER_DELIVERY_SECONDS = 100, carrier
    Order.objects.filter(pk=order.pk).update(status="shipped")
    idle(order, seconds + 99)
    assert tasks.sweep() == "0 orders nudged"
    idle(order, seconds + 101)
    assert tasks.sweep() == "1 orders nudged"


def test_the_sweep_leaves_alone_what_moves_and_what_is_done(place, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    place()
    done = place()
    services.cancel_order(done.id)
    idle(done, 1000)
    assert tasks.sweep() == "0 orders nudged"


@pytest.mark.django_db(transaction=True)
def test_one_sweep_at_a_time(place, settings):
    idle(place(), 10_000)
    other = connections.create_connection("default")
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [SWEEP])
        assert tasks.sweep() == "0 orders nudged"
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [SWEEP])
    assert tasks.sweep() == "1 orders nudged"
