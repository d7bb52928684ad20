"""Sending: each message at most once, and with no transaction open."""

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from notifications import delivery
from notifications.models import Notification
from orders_project.messaging.topology import EMAIL_QUEUE, SMS_QUEUE
from tests.bus import hear, pump
from tests.notifications.rows import make_due, status

pytestmark = pytest.mark.django_db


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
    delivery.claim("email", size=10)

    hear(EMAIL_QUEUE, order.created())
    pump()

    assert not mail.outbox
    assert status(order).status == "sending"


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
