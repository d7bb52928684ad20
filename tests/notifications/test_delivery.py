"""Sending: at most once, with no transaction open, and honest about what failed."""

from datetime import timedelta
from time import monotonic
from uuid import UUID

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from notifications import delivery, tasks
from notifications.lifecycle import SENDING, TRANSITIONS
from notifications.models import Notification
from notifications.selectors import uncertain
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Parcel, Work
from orders_project.messaging.plans import BY_KEY
from orders_project.messaging.topology import EMAIL_QUEUE, RUNGS, SMS_QUEUE
from tests.bus import hear, pump
from tests.notifications.conftest import Order

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=1)


def status(order, milestone="created", channel="email"):
    return Notification.objects.get(
        order_id=order.id, milestone=milestone, channel=channel
    )


def make_due():
    Notification.objects.update(due=utc_now() - LONG_AGO)


class RefusingBackend(EmailBackend):
    def open(self):
        raise ConnectionRefusedError(111, "Connection refused")


class BreakingBackend(EmailBackend):
    def send_messages(self, messages):
        raise ConnectionResetError(104, "Connection reset by peer")


REFUSING = f"{__name__}.RefusingBackend"
BREAKING = f"{__name__}.BreakingBackend"


def test_what_was_heard_is_sent(order, outgoing):
    hear(EMAIL_QUEUE, order.created())
    hear(SMS_QUEUE, order.created())
    pump()

    assert [(m.to, m.subject) for m in mail.outbox] == [
        (["gayal@example.org"], f"We have your order ({order.id[-8:]})")
    ]
    [file] = (outgoing / "sms").iterdir()
    assert file.read_text().startswith(
        "To: +94771234567\n\nWaybill: we have your order"
    )
    assert {n.status for n in Notification.objects.all()} == {"sent"}


def test_delivering_again_sends_nothing_again(order):
    hear(EMAIL_QUEUE, order.created())

    assert [delivery.deliver("email") for _ in range(2)] == [1, 0]
    assert len(mail.outbox) == 1


def test_one_step_sends_chunk_after_chunk(order, monkeypatch):
    monkeypatch.setattr(delivery, "CHUNK", 1)
    hear(EMAIL_QUEUE, order.created(), order.paid())
    make_due()

    assert delivery.deliver("email") == 3
    assert len(mail.outbox) == 3


def test_a_server_that_refuses_is_asked_for_one_chunk_only(
    order, settings, monkeypatch
):
    monkeypatch.setattr(delivery, "CHUNK", 1)
    settings.EMAIL_BACKEND = REFUSING
    hear(EMAIL_QUEUE, order.created(), order.paid())
    make_due()

    assert delivery.deliver("email") == 1


def test_a_payment_heard_before_its_order_waits_for_the_address(order):
    hear(EMAIL_QUEUE, order.paid())
    pump()
    assert not mail.outbox

    hear(EMAIL_QUEUE, order.created())
    pump()

    assert len(mail.outbox) == 2
    assert status(order, "paid").status == "sent"


@pytest.mark.parametrize("created_first", [True, False])
def test_an_order_without_address_is_skipped_and_says_why(order, created_first):
    events = order.created(email=""), order.paid()
    for event in events if created_first else reversed(events):
        hear(EMAIL_QUEUE, event)
    pump()

    for milestone in ("created", "paid"):
        assert status(order, milestone).status == "skipped"
        assert "without an address" in status(order, milestone).reason
    assert not mail.outbox


def test_the_confirmation_goes_out_when_its_time_has_come(order):
    hear(EMAIL_QUEUE, order.created(), order.paid())
    pump()
    assert status(order, "confirmed").status == "pending"

    make_due()
    delivery.deliver("email")

    assert status(order, "confirmed").status == "sent"


def test_a_worker_that_died_while_sending_leaves_what_is_never_sent_again(order):
    hear(EMAIL_QUEUE, order.created())
    delivery.claim("email")

    hear(EMAIL_QUEUE, order.created())
    pump()

    assert not mail.outbox
    assert [one.order_id for one in uncertain()] == [UUID(order.id)]


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_sending(order, monkeypatch):
    seen = []
    monkeypatch.setattr(
        EmailBackend,
        "send_messages",
        lambda self, messages: seen.append(connection.in_atomic_block),
    )
    hear(EMAIL_QUEUE, order.created())
    delivery.deliver("email")

    assert seen == [False]


def test_a_mail_server_that_refuses_is_tried_again_later(order, settings):
    settings.EMAIL_BACKEND = REFUSING
    hear(EMAIL_QUEUE, order.created())
    Parcel.objects.all().delete()

    before = utc_now()
    delivery.deliver("email")

    row = status(order)
    assert (row.status, row.attempts) == ("pending", 1)
    assert "Connection refused" in row.reason
    wait = (row.due - before).total_seconds()
    assert RUNGS[0].seconds <= wait < RUNGS[0].seconds + 2
    assert Parcel.objects.get().due == row.due
    assert Work.objects.get(outcome="retried").events == 1


def test_a_mail_server_that_comes_back_gets_the_mail_once(order, settings):
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, REFUSING
    hear(EMAIL_QUEUE, order.created())
    delivery.deliver("email")
    settings.EMAIL_BACKEND = backend

    make_due()
    pump()

    assert len(mail.outbox) == 1
    assert status(order).status == "sent"
    assert status(order).reason == ""


def test_after_every_rung_it_has_failed(order, settings):
    settings.EMAIL_BACKEND = REFUSING
    hear(EMAIL_QUEUE, order.created())
    for _ in range(len(RUNGS) + 1):
        make_due()
        delivery.deliver("email")

    assert status(order).status == "failed"
    assert status(order).reason.startswith("Every retry was used up")


def test_what_broke_while_handing_over_is_never_sent_again(order, settings):
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, BREAKING
    hear(EMAIL_QUEUE, order.created())
    delivery.deliver("email")
    settings.EMAIL_BACKEND = backend

    pump()

    assert status(order).status == "failed"
    assert "ConnectionResetError" in status(order).reason
    assert not mail.outbox


def test_a_cancellation_while_the_mail_server_refuses_withdraws_the_confirmation(
    order, settings
):
    settings.EMAIL_BACKEND = REFUSING
    hear(EMAIL_QUEUE, order.created(), order.paid())
    make_due()
    letters = delivery.claim("email")

    hear(EMAIL_QUEUE, order.cancelled())
    tried = delivery.attempt(delivery.Email(), letters, monotonic() + 60)
    delivery.settle("email", list(tried))

    assert status(order, "confirmed").status == "withdrawn"
    assert status(order, "paid").status == "pending"


def test_one_bad_address_harms_only_itself(order):
    bad = Order(email="x@example.org\nBcc: everybody@example.org")
    hear(EMAIL_QUEUE, bad.created(), order.created())
    pump()

    assert status(bad).status == "failed"
    assert "newlines" in status(bad).reason
    assert status(order).status == "sent"


def test_a_full_chunk_wakes_another_task_so_that_a_backlog_drains(monkeypatch):
    monkeypatch.setattr(delivery, "CHUNK", 3)
    orders = [Order() for _ in range(8)]
    hear(EMAIL_QUEUE, *(order.created() for order in orders))
    pump()

    assert len(mail.outbox) == 8


def test_messages_that_wait_for_an_address_hold_up_no_others(order, monkeypatch):
    monkeypatch.setattr(delivery, "CHUNK", 3)
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
        assert sent.count() >= 5


class Misconfigured:
    def __init__(self):
        raise LookupError("SMS_API_KEY is not set")


def test_an_adapter_that_cannot_be_made_leaves_its_messages_pending(order, settings):
    settings.SMS_SENDER = f"{__name__}.Misconfigured"
    hear(SMS_QUEUE, order.created())

    with pytest.raises(LookupError, match="SMS_API_KEY"):
        delivery.deliver("sms")

    assert status(order, channel="sms").status == "pending"


def test_the_table_of_transitions_allows_every_outcome():
    assert TRANSITIONS[SENDING] >= {
        delivery.SENT,
        delivery.FAILED,
        delivery.SKIPPED,
        delivery.PENDING,
    }


def test_a_chunk_is_found_without_sorting_the_backlog():
    query = delivery.CLAIM.format(address="email")
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY)
        cursor.execute(f"EXPLAIN {query}", ["email", 100, SENDING])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "notification_due" in plan
    assert "Sort" not in plan
