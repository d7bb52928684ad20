"""Sending to servers that refuse or break: honest about what failed."""

from datetime import timedelta
from smtplib import SMTPResponseException
from time import monotonic

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from notifications import delivery
from notifications.channels.port import NotNowError, UnreachableError
from notifications.services import NO_ADDRESS
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Parcel, Work
from orders_project.messaging.topology import EMAIL_QUEUE, RUNGS, SMS_QUEUE
from tests.bus import hear, pump
from tests.notifications.conftest import Order
from tests.notifications.rows import make_due, status

pytestmark = pytest.mark.django_db


class RefusingBackend(EmailBackend):
    def open(self):
        raise ConnectionRefusedError(111, "Connection refused")


class BreakingBackend(EmailBackend):
    def send_messages(self, messages):
        raise ConnectionResetError(104, "Connection reset by peer")


class LeavingBadlyBackend(EmailBackend):
    def open(self):
        return True

    def send_messages(self, messages):
        if messages[0].to == ["bad@example.org"]:
            raise RuntimeError("what is this?")
        return super().send_messages(messages)

    def close(self):
        raise SMTPResponseException(500, b"Line too long.")


class Partner:
    def send(self, sms):
        if sms.to == "+1":
            raise RuntimeError("502 \x00 Bad Gateway")
        if sms.to == "+2":
            raise NotNowError("busy")


class Away:
    def send(self, sms):
        raise UnreachableError(f"no route to {sms.to}")


class Misconfigured:
    def __init__(self):
        raise LookupError("SMS_API_KEY is not set")


REFUSING, BREAKING, LEAVING_BADLY, PARTNER, AWAY, MISCONFIGURED = (
    f"{__name__}.{kind.__name__}"
    for kind in (
        RefusingBackend,
        BreakingBackend,
        LeavingBadlyBackend,
        Partner,
        Away,
        Misconfigured,
    )
)


def test_what_a_partner_answers_of_one_message_harms_no_other(settings):
    settings.SMS_SENDER = PARTNER
    orders = [Order(phone=number) for number in ("+3", "+1", "+2")]
    hear(SMS_QUEUE, *(order.created() for order in orders))
    delivery.deliver("sms")

    found = [status(order, channel="sms").status for order in orders]
    assert found == ["sent", "failed", "pending"]
    assert status(orders[1], channel="sms").reason == "RuntimeError: 502  Bad Gateway"


def test_a_farewell_that_the_mail_server_does_not_understand_harms_none(settings):
    settings.EMAIL_BACKEND = LEAVING_BADLY
    orders = [Order(email=f"{name}@example.org") for name in ("a", "bad", "c")]
    hear(EMAIL_QUEUE, *(order.created() for order in orders))
    delivery.deliver("email")

    assert [status(order).status for order in orders] == ["sent", "failed", "sent"]


def test_a_server_that_refuses_is_asked_for_one_chunk_only(
    order, settings, monkeypatch
):
    monkeypatch.setattr(delivery, "FIRST", 1)
    settings.EMAIL_BACKEND = REFUSING
    hear(EMAIL_QUEUE, order.created(), order.paid())
    make_due()

    assert delivery.deliver("email") == 1


def test_who_left_no_address_is_skipped_also_behind_a_channel_that_is_away(settings):
    settings.SMS_SENDER = AWAY
    reached, silent = Order(), Order(phone="")
    hear(SMS_QUEUE, reached.created(), silent.paid())
    hear(SMS_QUEUE, silent.created())
    first, last = sorted(delivery.claim("sms", size=2), key=lambda one: not one.address)
    tried = delivery.attempt(delivery.TextMessage(), (first, last), monotonic() + 60)
    delivery.settle("sms", list(tried))

    assert status(reached, channel="sms").reason == "no route to ***"
    row = status(silent, "paid", channel="sms")
    assert (row.status, row.reason, row.attempts) == ("skipped", NO_ADDRESS, 0)


def test_a_channel_that_is_away_tells_no_address_of_one_to_another(settings):
    settings.SMS_SENDER = AWAY
    orders = [Order(phone="+94771"), Order(phone="+94772")]
    hear(SMS_QUEUE, *(order.created() for order in orders))
    delivery.deliver("sms")

    found = [status(order, channel="sms").reason for order in orders]
    assert found == ["no route to ***", "no route to ***"]


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
    assert timedelta(0) <= Parcel.objects.get().due - row.due < timedelta(seconds=2)
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
    letters = delivery.claim("email", size=10)

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


def test_an_adapter_that_cannot_be_made_leaves_its_messages_pending(order, settings):
    settings.SMS_SENDER = MISCONFIGURED
    hear(SMS_QUEUE, order.created())

    with pytest.raises(LookupError, match="SMS_API_KEY"):
        delivery.deliver("sms")

    assert status(order, channel="sms").status == "pending"
