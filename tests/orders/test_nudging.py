"""Nudges from the shell: who is named, who is not known, and what remains of it."""

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from orders_project.messaging import nudging, people
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import LoggedEvent, Nudge, Parcel

pytestmark = pytest.mark.django_db
STRANGE = "01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"


def nudge(*words):
    call_command("nudge", *map(str, words))


def nudge_as(name, order):
    nudging.nudge([str(order.id)], by=name)


def test_every_named_order_has_its_events_sent_again(place, capsys):
    orders = [place(), place()]
    Parcel.objects.all().delete()
    nudge(*(order.id for order in orders))

    ids = [one for parcel in Parcel.objects.all() for one in parcel.event_ids]
    sent = LoggedEvent.objects.filter(pk__in=ids).values_list("order_id", flat=True)
    assert set(sent) == {order.id for order in orders}
    assert capsys.readouterr().out == "Events on their way again: 2.\n"
    assert {n.by for n in Nudge.objects.all()} == {people.user()}


def test_who_nudges_from_the_shell_can_take_no_other_name(place):
    with pytest.raises(CommandError, match="unrecognized arguments: --by sweeper"):
        nudge(place().id, "--by", "sweeper")
    assert not Nudge.objects.exists()


def test_an_order_that_nobody_knows_is_named_and_nothing_is_sent(place):
    order = place()
    Parcel.objects.all().delete()
    with pytest.raises(CommandError, match=STRANGE) as error:
        nudge(order.id, STRANGE)

    assert str(order.id) not in str(error.value)
    assert not Parcel.objects.exists()


def test_what_is_no_id_is_refused_in_words():
    with pytest.raises(CommandError, match=r"'R-1' is no order's id"):
        nudge("R-1")


def test_stats_count_the_nudges_of_each(place, capsys):
    order = place()
    nudge_as("ada", order)
    nudge_as("ada", order)
    capsys.readouterr()
    call_command("stats")

    assert re.search(r"nudges by ada\s*│\s*2", capsys.readouterr().out)
    assert LoggedEvent.objects.count() == 1


def test_stats_tell_what_waits_for_the_broker(place, capsys):
    place()
    Parcel.objects.update(due=utc_now() - timedelta(seconds=90))
    call_command("stats")
    assert (
        "1 parcels wait for the broker, the oldest for 90 s" in capsys.readouterr().out
    )

    Parcel.objects.update(due=utc_now() + timedelta(seconds=90))
    call_command("stats")
    assert "Nothing waits for the broker." in capsys.readouterr().out


def test_the_timeline_says_when_and_to_customers_no_name(order, guest):
    nudge_as("ada", order)
    created, nudged = guest("get", order, "timeline/").json()

    assert created["type"] == "order.created"
    assert nudged["type"] == "nudged"
    assert nudged["time"] > created["time"]
    assert nudged["data"] == {"what": "events", "by": "staff"}


@pytest.mark.parametrize("machine", ["sweeper", "reconciler"])
def test_what_no_person_did_is_named_to_everybody(order, guest, machine):
    nudge_as(machine, order)
    assert guest("get", order, "timeline/").json()[1]["data"]["by"] == machine


def test_staff_read_the_name(order, admin_client):
    nudge_as("ada", order)
    answer = admin_client.get(f"/api/orders/{order.id}/timeline/")
    assert answer.json()[1]["data"]["by"] == "ada"


def test_staff_nudge_an_order_from_its_list_in_their_own_name(order, admin_client):
    page = reverse("admin:orders_order_changelist")
    admin_client.post(page, {"action": "nudge", "_selected_action": [order.pk]})

    assert Nudge.objects.get().by == "admin"
    shown = admin_client.get(reverse("admin:orders_order_change", args=[order.pk]))
    assert "nudged" in shown.content.decode()
    assert "by: admin" in shown.content.decode()
