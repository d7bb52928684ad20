"""The sweep: what waits too long is sent, even if nobody was told to send it."""

from datetime import timedelta

import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from django.db.models import F

from notifications import delivery, tasks
from notifications.models import Notification
from orders_project.messaging.models import Nudge, Parcel
from orders_project.messaging.plans import BY_KEY
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE
from tests.bus import hear, pump

pytestmark = pytest.mark.django_db


def lose_every_message_and_wait(seconds=3600):
    Parcel.objects.all().delete()
    Notification.objects.update(due=F("due") - timedelta(seconds=seconds))


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


def test_what_waits_for_an_address_wakes_nobody(order):
    hear(EMAIL_QUEUE, order.paid())
    lose_every_message_and_wait()

    assert tasks.resume() == 0


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


def test_it_is_found_without_reading_the_backlog():
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY)
        cursor.execute(f"EXPLAIN {delivery.IDLE}", ["{email,sms}", 300])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "notification_due" in plan
    assert "Sort" not in plan
