"""The relay when RabbitMQ raises an alarm, with a broker that says so on cue."""

import struct
import threading
from collections import defaultdict
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from orders_project.messaging import outbox, relay
from orders_project.messaging.broker import BlockedError, Message, Publisher
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import Parcel

pytestmark = pytest.mark.django_db(transaction=True)


class CrookedBroker:
    """A connection that confirms what comes, unless there is an alarm."""

    def __init__(self):
        self.alarm = False
        self.sent, self.frames = [], []
        self.events = defaultdict(set)
        self.on_blocked = self.on_unblocked = None
        self.frame_max = 131_072

    def channel(self):
        return SimpleNamespace(
            confirm_select=lambda: None, events=self.events, basic_publish=self.publish
        )

    def publish(self, message, **_to):
        self.sent.append(message)
        self.frames.append(self._block if self.alarm else self._confirm)

    def end_alarm(self):
        self.alarm = False
        self.frames += [self._confirm, self.on_unblocked]

    def drain_events(self, timeout):
        assert not connection.in_atomic_block or self.frames, "waits in a transaction"
        if not self.frames:
            raise TimeoutError(timeout)
        self.frames.pop(0)()

    def heartbeat_tick(self):
        pass

    def _block(self):
        self.on_blocked("connection blocked, see broker logs")

    def _confirm(self):
        for confirmed in self.events["basic_ack"]:
            confirmed(len(self.sent), True)


@pytest.fixture
def broker():
    return CrookedBroker()


@pytest.fixture
def parcel():
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
    return Parcel.objects.get()


def test_an_alarm_ends_the_transaction_and_keeps_the_parcel(broker, parcel):
    broker.alarm = True

    with pytest.raises(BlockedError, match="rabbitmq-diagnostics alarms"):
        relay.carry(Publisher(broker))
    assert not connection.in_atomic_block
    assert Parcel.objects.filter(pk=parcel.pk).exists()


def test_during_an_alarm_nothing_more_is_sent(broker, parcel):
    broker.alarm = True
    publisher = Publisher(broker)
    for _ in range(3):
        with pytest.raises(BlockedError):
            relay.carry(publisher)

    assert len(broker.sent) == 1


def test_the_end_of_an_alarm_sends_what_was_kept(broker, parcel):
    broker.alarm = True
    publisher = Publisher(broker)
    with pytest.raises(BlockedError):
        relay.carry(publisher)

    broker.end_alarm()
    relay._sit_out(publisher, threading.Event())
    assert relay.carry(publisher) == 1
    assert not Parcel.objects.exists()


def test_a_relay_that_is_stopped_does_not_wait_for_the_end(broker):
    publisher = Publisher(broker)
    publisher.blocked = True
    stopped = threading.Event()
    stopped.set()

    relay._sit_out(publisher, stopped)
    assert publisher.blocked


class Patience:
    """The event that stops a relay: set after so many pauses."""

    def __init__(self, pauses):
        self.left, self.pauses = pauses, []

    def wait(self, seconds):
        self.pauses.append(seconds)
        return len(self.pauses) > self.left


def test_a_relay_without_a_broker_sleeps_only_where_it_can_be_stopped(
    settings, monkeypatch
):
    settings.AMQP_URL = "amqp://127.0.0.1:1//"
    deaf = []
    monkeypatch.setattr("kombu.utils.functional.sleep", deaf.append)
    stopped = Patience(8)

    relay.run(stopped)

    assert not deaf
    assert stopped.pauses[0] == 0
    assert 2 < max(stopped.pauses) <= 4


def test_a_relay_that_dies_of_what_it_does_not_know_says_so(monkeypatch):
    """Else who starts it again only after a failure would leave it dead."""

    def run(_stopped):
        raise ZeroDivisionError

    monkeypatch.setattr(relay, "run", run)
    with pytest.raises(ZeroDivisionError):
        call_command("relay")


def test_what_has_no_form_in_amqp_waits_and_keeps_nobody_from_the_way(broker, parcel):
    def refuse(message, **to):
        if message.properties["message_id"] == crooked:
            raise struct.error("argument out of range")
        broker_takes(message, **to)

    crooked, broker_takes, publisher = "a", broker.publish, Publisher(broker)
    publisher.channel.basic_publish = refuse
    told = [Message("", key, "{}", {"message_id": key}) for key in "abc"]

    assert publisher.publish(told) == {crooked}
    assert len(broker.sent) == 2


def test_headers_that_no_frame_holds_wait_and_keep_nobody_from_the_way(broker):
    large = {"message_id": "large", "application_headers": {"a": "x" * 131_072}}
    told = [Message("", "", "{}", one) for one in (large, {"message_id": "small"})]

    assert Publisher(broker).publish(told) == {"large"}
    assert len(broker.sent) == 1
