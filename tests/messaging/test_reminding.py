"""Who finds a broker without its queues says again what was said lately."""

import sys

import pytest
from amqp.exceptions import AccessRefused
from django.db import transaction

from orders_project.messaging import outbox, reminding
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import LoggedEvent, Parcel
from orders_project.messaging.topology import DEAD_LETTER_QUEUE, QUEUES

pytestmark = pytest.mark.django_db(transaction=True)


class ForgetfulBroker:
    """A connection to a broker that lost its data."""

    is_open = True

    def __init__(self):
        self.declared = []

    def declare(self, queues=QUEUES):
        self.declared += queues

    def has_forgotten(self):
        return DEAD_LETTER_QUEUE not in self.declared

    def ensure_connection(self, **_options):
        self.is_open = True

    def close(self):
        self.is_open = False


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(reminding, "has_forgotten", ForgetfulBroker.has_forgotten)
    monkeypatch.setattr(reminding, "declare", ForgetfulBroker.declare)
    return ForgetfulBroker()


@pytest.fixture
def said():
    """Events that the broker had been told, before it forgot them."""
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
    parcel = Parcel.objects.get()
    Parcel.objects.all().delete()
    return parcel.event_ids


def test_what_was_said_lately_is_said_again(broker, said):
    reminding.declare_or_remind(broker)

    assert Parcel.objects.get().event_ids == said
    assert set(broker.declared) == set(QUEUES)


@pytest.mark.usefixtures("said")
def test_what_was_said_long_ago_is_not(broker):
    LoggedEvent.objects.update(id="01900000-0000-7000-8000-000000000000")

    reminding.declare_or_remind(broker)
    assert not Parcel.objects.exists()


@pytest.mark.usefixtures("said")
def test_a_broker_that_remembers_is_told_nothing(broker):
    broker.declared = [DEAD_LETTER_QUEUE]

    reminding.declare_or_remind(broker)
    assert not Parcel.objects.exists()
    assert set(broker.declared) == set(QUEUES)


@pytest.mark.usefixtures("said")
def test_nothing_is_said_to_a_broker_that_cannot_be_declared_to(broker, monkeypatch):
    """It would be said at each try, until the outbox takes no more orders."""

    def refuse(_broker, _queues=QUEUES):
        raise AccessRefused

    monkeypatch.setattr(reminding, "declare", refuse)
    with pytest.raises(AccessRefused):
        reminding.declare_or_remind(broker)
    assert not Parcel.objects.exists()


def test_who_dies_while_saying_it_all_again_does_it_once_more(
    broker, said, monkeypatch
):
    with monkeypatch.context() as dying:
        dying.setattr(reminding, "_say_again", sys.exit)
        with pytest.raises(SystemExit):
            reminding.declare_or_remind(broker)

    reminding.declare_or_remind(broker)
    assert Parcel.objects.get().event_ids == said


def test_who_says_it_all_again_hangs_up_meanwhile(broker, monkeypatch):
    """It may take minutes, without a heartbeat: the broker would cut it off."""
    open_meanwhile = []
    monkeypatch.setattr(
        reminding, "_say_again", lambda: open_meanwhile.append(broker.is_open)
    )

    reminding.declare_or_remind(broker)
    assert open_meanwhile == [False]
    assert broker.is_open
