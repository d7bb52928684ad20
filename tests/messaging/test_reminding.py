"""Who finds a broker without its queues says again what was said lately."""

import sys
from datetime import timedelta
from uuid import UUID

import pytest
from amqp.exceptions import AccessRefused
from django.db import transaction
from django.utils.timezone import now

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


@pytest.mark.parametrize("since", ["a parcel waits", "nothing was said"])
def test_lately_is_before_the_broker_was_lost_however_long_ago_that_was(broker, since):
    lost = now() - timedelta(hours=9)
    ids = {hours: say(lost - timedelta(hours=hours)) for hours in (1, 5)}
    if since == "a parcel waits":
        say(now())
        Parcel.objects.create(due=lost, priority=1, routing_key="a", body="{}")
    reminding.declare_or_remind(broker)

    told = {one for parcel in Parcel.objects.all() for one in parcel.event_ids or ()}
    assert ids[1] in told
    assert ids[5] not in told


def test_a_clock_that_is_ahead_does_not_make_lately_shorter(broker):
    before = say(now() - timedelta(hours=1.5))
    say(now() + timedelta(hours=1))
    reminding.declare_or_remind(broker)

    told = {one for parcel in Parcel.objects.all() for one in parcel.event_ids or ()}
    assert before in told


def say(time):
    """Say something at a time of the past; its parcel has left long ago."""
    moment = f"{int(time.timestamp() * 1000):012x}"
    event_id = UUID(moment + new_id().replace("-", "")[12:])
    with transaction.atomic():
        outbox.append(
            OrderPaid(
                id=str(event_id),
                time=time,
                order_id=new_id(),
                total_cents=1,
                currency="USD",
            )
        )
    Parcel.objects.filter(event_ids__isnull=False).delete()
    return event_id
