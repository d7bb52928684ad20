"""Several workers at once: nobody waits for ever, and nothing goes out twice."""

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.db.models import F

from notifications import delivery, services
from notifications.models import Notification
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Work
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE
from tests.bus import hear
from tests.notifications.conftest import Order

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Run these in threads that start together; return what they raised."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work):
        barrier.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - looked at below
            errors.append(error)
        connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def deadlocks():
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_workers_that_deliver_at_once_send_each_mail_once(monkeypatch):
    monkeypatch.setattr(delivery, "MOST", 5)
    orders = [Order() for _ in range(60)]
    hear(EMAIL_QUEUE, *(order.created() for order in orders))

    def work():
        while delivery.deliver("email"):
            pass

    assert not at_once(*[work] * 4)
    sent = Counter(message.extra_headers["X-Order-Id"] for message in mail.outbox)
    assert sent == dict.fromkeys((order.id for order in orders), 1)


def test_workers_that_hear_the_same_events_in_any_order_do_not_deadlock():
    orders = [Order() for _ in range(40)]
    events = [
        event
        for order in orders
        for event in (order.created(), order.paid(), order.cancelled())
    ]

    before = deadlocks()

    def hearing(queue, seed):
        shuffled = random.Random(seed).sample(events, len(events))
        return lambda: [
            hear(queue, *shuffled[start : start + 30])
            for start in range(0, len(shuffled), 30)
        ]

    def sending():
        for _ in range(20):
            delivery.deliver("email")

    assert not at_once(
        *(hearing(EMAIL_QUEUE, seed) for seed in range(3)),
        hearing(SMS_QUEUE, 3),
        sending,
    )
    assert deadlocks() == before
    assert not Work.objects.exclude(outcome="handled").exists()
    for channel in ("email", "sms"):
        rows = Notification.objects.filter(channel=channel)
        assert rows.filter(milestone="confirmed", status="withdrawn").count() == 40
        assert rows.count() == 40 * 4


def test_two_that_learn_addresses_and_hear_of_the_others_order_do_not_deadlock(
    monkeypatch,
):
    one, other = Order(), Order()
    for queue in (EMAIL_QUEUE, SMS_QUEUE):
        hear(queue, one.paid(), other.paid())
    # As the sweep puts off what has no address.
    Notification.objects.update(due=F("due") + timedelta(hours=1))

    known = threading.Barrier(2)
    learn = services.learn_recipients

    def learn_at_once(created):
        orders = learn(created)
        known.wait(timeout=5)
        return orders

    monkeypatch.setattr(services, "learn_recipients", learn_at_once)
    before = deadlocks()

    assert not at_once(
        lambda: hear(EMAIL_QUEUE, one.created(), other.cancelled()),
        lambda: hear(SMS_QUEUE, other.created(), one.cancelled()),
    )
    assert deadlocks() == before
    late = Notification.objects.filter(status="pending", due__gt=utc_now())
    assert not late.exists()
