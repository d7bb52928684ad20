"""Sending when much is due: chunk after chunk, never longer than a step may take."""

import pytest
from django.core import mail

from notifications import delivery, tasks
from notifications.lifecycle import SENDING
from notifications.models import Notification
from orders_project.messaging.models import Parcel
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE
from tests.bus import hear
from tests.notifications.conftest import Order
from tests.notifications.rows import make_due, plan_of, status

pytestmark = pytest.mark.django_db


def test_one_step_sends_chunk_after_chunk(order, monkeypatch):
    monkeypatch.setattr(delivery, "FIRST", 1)
    hear(EMAIL_QUEUE, order.created(), order.paid())
    make_due()

    assert delivery.deliver("email") == 3
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(("size", "woken"), [(3, 1), (8, 1), (9, 0)])
def test_a_full_chunk_wakes_another_task_so_that_a_backlog_drains(size, woken):
    hear(EMAIL_QUEUE, *(Order().created() for _ in range(8)))
    Parcel.objects.all().delete()

    delivery.claim("email", size)

    assert Parcel.objects.count() == woken


def test_messages_that_wait_for_an_address_hold_up_no_others(order, monkeypatch):
    monkeypatch.setattr(delivery, "FIRST", 3)
    hear(EMAIL_QUEUE, *(Order().paid() for _ in range(5)))
    hear(EMAIL_QUEUE, order.created())

    assert delivery.deliver("email") == 1
    assert status(order).status == "sent"


def test_what_was_not_begun_in_time_is_left_to_another_task(order, monkeypatch):
    monkeypatch.setattr(delivery, "SECONDS", -1)
    hear(EMAIL_QUEUE, order.created())
    Parcel.objects.all().delete()

    delivery.deliver("email")

    assert (status(order).status, status(order).attempts) == ("pending", 0)
    assert Parcel.objects.count() == 1


def test_a_step_of_all_channels_ends_before_the_soft_limit(settings, monkeypatch):
    now = [0.0]

    def take_a_second(*_):
        now[0] += 1

    monkeypatch.setattr(delivery, "monotonic", lambda: now[0])
    for channel in delivery.CHANNELS.values():
        monkeypatch.setattr(channel, "send", take_a_second)
    orders = [Order().created() for _ in range(30)]
    for queue in (EMAIL_QUEUE, SMS_QUEUE):
        hear(queue, *orders)
    tasks.deliver(list(delivery.CHANNELS))

    assert now[0] + settings.EMAIL_TIMEOUT < settings.CELERY_TASK_SOFT_TIME_LIMIT
    for channel in delivery.CHANNELS:
        sent = Notification.objects.filter(channel=channel, status="sent")
        assert sent.count() >= 2


@pytest.mark.parametrize(("seconds", "most"), [(0.1, 5), (0.25, 5), (0.001, 25)])
def test_no_more_is_in_hand_than_is_sent_in_half_a_second(monkeypatch, seconds, most):
    now, in_hand = [0.0], []

    def send(*_):
        now[0] += seconds
        in_hand.append(Notification.objects.filter(status="sending").count())

    monkeypatch.setattr(delivery, "monotonic", lambda: now[0])
    monkeypatch.setattr(delivery.Email, "send", send)
    hear(EMAIL_QUEUE, *(Order().created() for _ in range(30)))
    delivery.deliver("email")

    assert max(in_hand) == most


def test_a_chunk_is_found_without_sorting_the_backlog():
    query = delivery.CLAIM.format(address="email")
    plan = plan_of(query, "email", 100, SENDING)

    assert "notification_due" in plan
    assert "Sort" not in plan
