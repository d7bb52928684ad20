"""The sweep: what waits too long is sent, even if nobody was told to send it."""

from datetime import timedelta
from itertools import pairwise

import pytest
from celery import current_app
from django.core import mail
from django.db import transaction
from django.db.models import F

from notifications import delivery, sweeping, tasks
from notifications.models import Notification
from orders_project.messaging import outbox
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import LoggedEvent, Nudge, Parcel
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE
from tests.bus import hear, pump
from tests.notifications.conftest import Order
from tests.notifications.rows import plan_of

pytestmark = pytest.mark.django_db


def lose_every_message_and_wait(seconds=3600):
    Parcel.objects.all().delete()
    wait(seconds)


def wait(seconds):
    ago = timedelta(seconds=seconds)
    Notification.objects.update(due=F("due") - ago, changed=F("changed") - ago)


def statuses():
    return set(Notification.objects.values_list("channel", "status"))


def test_a_mail_whose_step_got_lost_is_sent_after_all(order):
    hear(EMAIL_QUEUE, order.created())
    lose_every_message_and_wait()
    hear(EMAIL_QUEUE, order.created())
    pump()
    assert statuses() == {("email", "pending")}, "hearing it again starts nothing"

    assert tasks.resume() == 1
    pump()

    assert statuses() == {("email", "sent")}
    assert len(mail.outbox) == 1


def test_so_is_a_retry_that_got_lost(order, settings):
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "tests.notifications.test_delivery_failing.RefusingBackend"
    hear(EMAIL_QUEUE, order.created())
    delivery.deliver("email")
    settings.EMAIL_BACKEND = backend
    lose_every_message_and_wait()

    assert tasks.resume() == 1
    pump()

    assert statuses() == {("email", "sent")}


def test_each_channel_is_woken_once_however_much_waits_there(order):
    for queue in (EMAIL_QUEUE, SMS_QUEUE):
        hear(queue, order.created(), order.shipped(), order.completed())
    lose_every_message_and_wait()

    assert tasks.resume() == 2
    assert Parcel.objects.count() == 2
    pump()

    assert statuses() == {("email", "sent"), ("sms", "sent")}
    assert tasks.resume() == 0


@pytest.mark.parametrize(("seconds", "channels"), [(90, 0), (110, 1)])
def test_what_is_due_since_a_moment_is_left_to_its_own_step(
    order, settings, seconds, channels
):
    settings.SWEEP_IDLE_SECONDS = 100
    hear(EMAIL_QUEUE, order.created())
    lose_every_message_and_wait(seconds)

    assert tasks.resume() == channels


@pytest.fixture
def said(order):
    """Have an order of which all is heard but order.created, which expired."""
    created, *later = order.created(), order.paid(), order.shipped()
    with transaction.atomic():
        outbox.append(created, *later)
    for queue in (EMAIL_QUEUE, SMS_QUEUE):
        hear(queue, *later)
    lose_every_message_and_wait()
    return order


def nudges():
    return Nudge.objects.filter(what="events", by="sweeper").count()


def test_what_waits_for_an_address_has_it_said_again_and_is_sent(said):
    assert tasks.resume() == 1
    assert nudges() == 1
    pump()

    assert statuses() == {("email", "sent"), ("sms", "sent")}
    told = [one.extra_headers["X-Milestone"] for one in mail.outbox]
    assert sorted(told) == ["confirmed", "created", "paid", "shipped"]
    assert tasks.resume() == 0


def test_an_address_that_does_not_come_is_asked_for_ever_more_rarely(said):
    LoggedEvent.objects.all().delete()
    asked = []
    for minute in range(0, 24 * 60, 5):
        if tasks.resume():
            asked.append(minute)
        wait(5 * 60)

    pauses = [later - one for one, later in pairwise(asked)]
    assert len(asked) == 5
    assert all(later > 1.9 * one for one, later in pairwise(pauses))
    assert nudges() == len(asked)


def test_who_waits_for_an_address_is_out_of_the_way_of_the_others(said):
    tasks.resume()

    due = Notification.objects.filter(due__lte=utc_now())
    assert not due.exists()


def test_so_many_orders_are_asked_for_in_one_sweep(monkeypatch):
    monkeypatch.setattr(sweeping, "NOBODYS", sweeping.NOBODYS.replace("500", "3"))
    paid = [Order().paid() for _ in range(5)]
    for queue in (EMAIL_QUEUE, SMS_QUEUE):
        hear(queue, *paid)
    lose_every_message_and_wait()

    assert [tasks.resume() for _ in range(3)] == [3, 2, 0]
    assert nudges() == 5


@pytest.mark.parametrize("status", ["sending", "sent", "failed", "withdrawn"])
def test_what_may_have_gone_out_is_left_alone(order, status):
    hear(EMAIL_QUEUE, order.created())
    lose_every_message_and_wait()
    Notification.objects.update(status=status)

    assert tasks.resume() == 0
    assert not Parcel.objects.exists()


def test_it_is_no_nudge_of_an_order(order):
    hear(EMAIL_QUEUE, order.created())
    lose_every_message_and_wait()
    tasks.resume()

    assert not Nudge.objects.exists()


def test_beat_has_it_looked_for_as_often_as_for_idle_orders(settings):
    entry = current_app.conf.beat_schedule[tasks.resume.name]

    assert entry["schedule"] == settings.SWEEP_INTERVAL_SECONDS
    queue = current_app.amqp.router.route({}, entry["task"])["queue"]
    assert queue.name == "notifications.tasks"


@pytest.mark.parametrize("query", [sweeping.IDLE, sweeping.NOBODYS])
def test_it_is_found_without_reading_the_backlog(query):
    plan = plan_of(query, "{email,sms}", 300)

    assert "notification_due" in plan
    assert "Seq Scan" not in plan
