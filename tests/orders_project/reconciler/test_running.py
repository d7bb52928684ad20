"""A run: by night or by hand, one at a time, and on the timelines of its orders."""

import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from inventory.models import StockItem
from inventory.services import receive_stock
from orders.models import FailedOrder
from orders_project import tasks
from orders_project.database import sql
from orders_project.messaging.events import new_id, utc_now
from orders_project.messaging.models import Nudge, Parcel
from orders_project.reconciler import looking, running
from payments.models import Payment
from tests.orders_project.reconciler.differences import (
    an_hour_passes,
    enters,
    pump_until,
    reconcile,
)

pytestmark = pytest.mark.django_db


def test_by_night_it_repairs_by_itself(done):
    order = done()
    enters(order.pk, "refunded", 1999)
    StockItem.objects.update(received=10, sold=4)
    an_hour_passes()
    assert tasks.reconcile() == "1 mended, 1 left"
    assert FailedOrder.objects.get().reason == "refunded_only_there"


def test_the_timeline_names_the_reconciler(place):
    receive_stock({"TEAPOT": 1})
    place()
    pump_until(lambda: Payment.objects.filter(status="settled"))
    Parcel.objects.all().delete()
    an_hour_passes()
    reconcile("--repair")
    assert {nudge.by for nudge in Nudge.objects.all()} == {"reconciler"}


def test_a_time_that_is_none_is_refused_in_words():
    with pytest.raises(CommandError, match="2026-01-31"):
        call_command("reconcile", "--since", "yesterday")


def test_a_time_to_come_is_refused_for_nothing_would_be_looked_at():
    with pytest.raises(CommandError, match="2999-01-31 00:00 is still to come"):
        call_command("reconcile", "--since", "2999-01-31")


@pytest.mark.parametrize(
    ("grace", "end"),
    [("900", "; what moved within the last 900 s is left out.\n"), ("0", " s.\n")],
)
def test_it_says_what_it_left_out(done, grace, end, capsys):
    done()
    call_command("reconcile", "--grace", grace)
    said = capsys.readouterr().err
    assert said.startswith("1 orders looked at in ")
    assert said.endswith(end)


def test_what_has_no_other_net_comes_first_and_the_young_orders_last(
    place, monkeypatch
):
    receive_stock({"TEAPOT": 2})
    old = place()
    time.sleep(0.002)  # ids of one millisecond are of one age
    since, young = utc_now(), place()
    enters(stranger := new_id(), "captured", 700)
    seen = []
    monkeypatch.setattr(looking, "differences", lambda ids, **_: seen.append(ids) or [])
    monkeypatch.setattr(looking, "drifted", lambda skus: seen.append(skus) or [])

    list(running.reconcile(since, grace=0, repair=False))
    assert seen == [[str(old.pk)], [stranger], ["TEAPOT"], [str(young.pk)]]


def test_a_night_that_is_too_short_ends_in_good_order_and_says_so(
    done, monkeypatch, caplog
):
    enters(done().pk, "refunded", 1999)
    an_hour_passes()
    monkeypatch.setattr(tasks, "NIGHT_SECONDS", 0)

    assert tasks.reconcile() == "0 mended, 0 left"
    assert tasks.TOO_SHORT in caplog.text
    assert sql.fetch(sql.UNLOCK, [running.NAME]) == [(False,)]


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time():
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute(sql.LOCK, [running.NAME])
        with pytest.raises(CommandError, match="Somebody else reconciles"):
            call_command("reconcile")
        cursor.execute(sql.UNLOCK, [running.NAME])
    other.close()
    assert reconcile() == ("", False)
