"""What is said is said with the change that makes it true, or not at all."""

import json
from datetime import timedelta

import pytest
from celery import chain, shared_task, signature
from django.db import OperationalError, transaction

from orders_project.messaging import outbox
from orders_project.messaging.errors import OutsideTransactionError
from orders_project.messaging.events import (
    URGENT,
    OrderPaid,
    PaymentFailed,
    new_id,
    utc_now,
)
from orders_project.messaging.models import LoggedEvent, Parcel
from tests.bus import said
from tests.texts import AWKWARD

pytestmark = pytest.mark.django_db


def paid(**fields):
    return OrderPaid(order_id=new_id(), total_cents=1999, currency="USD", **fields)


@shared_task(name="messaging.tests.double")
def double(number):
    return number * 2


def test_what_a_text_holds_does_not_tear_the_events_apart():
    events = [PaymentFailed(order_id=new_id(), reason=reason) for reason in AWKWARD]
    outbox.append(*events)

    assert sorted(said(), key=lambda one: one.id) == events


def test_an_event_is_logged_and_packed():
    event = paid(priority=URGENT)
    outbox.append(event)

    parcel = Parcel.objects.get()
    assert said() == [event]
    assert (parcel.exchange, parcel.routing_key) == ("order.exchange", "order.paid")
    assert parcel.priority == URGENT
    assert list(map(str, parcel.event_ids)) == [event.id]
    assert parcel.body is None


def test_aliases_travel_in_the_header_cc():
    outbox.append(PaymentFailed(order_id=new_id(), reason="declined"))

    assert json.loads(Parcel.objects.get().headers) == {"CC": ["order.failed.declined"]}


def test_what_waits_has_a_due_time():
    before = utc_now()
    outbox.send_task(signature("payments.tasks.capture", args=([],)), after=300)

    wait = Parcel.objects.get().due - before
    assert timedelta(minutes=5) <= wait < timedelta(minutes=6)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses_and_says_why():
    with pytest.raises(OutsideTransactionError, match="without being true"):
        outbox.append(paid())
    with pytest.raises(OutsideTransactionError, match=r"transaction\.atomic"):
        outbox.send_task(double.s(1))


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_said():
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 - a whole transaction
        outbox.append(paid())
        1 / 0  # noqa: B018 - a division that fails

    assert said() == []
    assert not Parcel.objects.exists()


def test_a_task_is_packed_as_celery_would_have_sent_it():
    outbox.send_task(double.s(21))

    parcel = Parcel.objects.get()
    assert (parcel.exchange, parcel.routing_key) == ("task.exchange", "messaging.tasks")
    assert json.loads(parcel.headers)["task"] == "messaging.tests.double"
    assert json.loads(parcel.body)[0] == [21]
    assert parcel.event_ids is None


def test_a_chain_is_one_parcel_that_carries_its_other_steps():
    outbox.send_task(chain(double.s(21), double.s()))

    _, _, embedded = json.loads(Parcel.objects.get().body)
    assert [step["task"] for step in embedded["chain"]] == ["messaging.tests.double"]


def test_an_order_is_nudged_by_sending_its_events_again():
    event, other = paid(), paid()
    outbox.append(event, other)
    Parcel.objects.all().delete()

    assert outbox.resend([event.order_id]) == 1
    parcel = Parcel.objects.get()
    assert parcel.routing_key == "order.paid"
    assert list(map(str, parcel.event_ids)) == [event.id]
    assert LoggedEvent.objects.count() == 2


def test_what_is_sent_again_is_heard_by_all_of_us_and_counted_by_nobody_else():
    event = paid()
    outbox.append(event)
    Parcel.objects.all().delete()

    outbox.resend([event.order_id])
    assert json.loads(Parcel.objects.get().headers) == {"CC": ["order.analytics.paid"]}


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_cannot_be_woken_takes_nothing_back(monkeypatch):
    """The commit stands. An error would tell the customer to order once more."""

    def fail():
        raise OperationalError

    monkeypatch.setattr(outbox, "wake_relay", fail)
    with transaction.atomic():
        outbox.append(PaymentFailed(order_id=new_id(), reason="declined"))

    assert LoggedEvent.objects.count() == Parcel.objects.count() == 1
