"""Who finds a broker without its queues says again what was said lately."""

import pytest
from django.db import transaction

from orders_project.messaging import outbox, reminding
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import LoggedEvent, Parcel

pytestmark = pytest.mark.django_db(transaction=True)


class ForgetfulBroker:
    """A connection to a broker that lost its data."""

    is_open = True

    def ensure_connection(self, **_options):
        self.is_open = True

    def close(self):
        self.is_open = False


@pytest.fixture
def broker(monkeypatch):
    found = ForgetfulBroker()
    found.declared = []
    monkeypatch.setattr(reminding, "has_forgotten", lambda broker: broker.is_open)
    monkeypatch.setattr(reminding, "declare", found.declared.append)
    return found


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
    assert broker.declared == [broker]


@pytest.mark.usefixtures("said")
def test_what_was_said_long_ago_is_not(broker):
    LoggedEvent.objects.update(id="01900000-0000-7000-8000-000000000000")

    reminding.declare_or_remind(broker)
    assert not Parcel.objects.exists()


@pytest.mark.usefixtures("said")
def test_a_broker_that_remembers_is_told_nothing(broker, monkeypatch):
    monkeypatch.setattr(reminding, "has_forgotten", lambda _broker: False)

    reminding.declare_or_remind(broker)
    assert not Parcel.objects.exists()
    assert broker.declared == [broker]


def test_who_says_it_all_again_hangs_up_meanwhile(broker, monkeypatch):
    """It may take minutes, without a heartbeat: the broker would cut it off."""
    open_meanwhile = []
    monkeypatch.setattr(
        reminding, "_say_again", lambda: open_meanwhile.append(broker.is_open)
    )

    reminding.declare_or_remind(broker)
    assert open_meanwhile == [False]
    assert broker.is_open
