"""Declaring the topology: all of it at once, and nothing else than was asked for."""

import time
from urllib.parse import urlsplit

import amqp
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from kombu import Connection, Queue

from orders_project.messaging import outbox, relay
from orders_project.messaging.broker import declare, has_forgotten
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import Parcel
from orders_project.messaging.topology import (
    DEAD_LETTER_QUEUE,
    EXCHANGES,
    QUEUES,
    UNROUTED_QUEUE,
)
from tests.faults.proxy import Proxy
from tests.messaging.test_relay import Patience

#: Seconds for every piece on its way: of an overloaded broker.
DELAY = 0.05


@pytest.fixture
def far_broker():
    near = urlsplit(settings.AMQP_URL)
    proxy = Proxy(near.port or 5672)
    proxy.delay = DELAY
    url = settings.AMQP_URL.replace(f":{near.port}", f":{proxy.port}")
    with Connection(url) as connection:
        connection.connect()
        yield connection
    proxy.close()


def test_nothing_waits_for_its_own_answer(topology, far_broker):
    start = time.monotonic()
    declare(far_broker)
    assert time.monotonic() - start < DELAY * len(EXCHANGES + QUEUES)


def test_a_queue_that_is_there_with_other_arguments_is_refused(topology):
    there = QUEUES[0]
    other = Queue(there.name, there.exchange, there.routing_key, max_priority=3)
    refused = pytest.raises(amqp.PreconditionFailed, match=there.name)
    with Connection(settings.AMQP_URL) as connection, refused:
        declare(connection, [other])


def test_a_broker_without_our_queues_is_known_to_have_forgotten(topology, broker):
    assert not has_forgotten(broker.connection)
    broker.channel.queue_delete(DEAD_LETTER_QUEUE.name)
    assert has_forgotten(broker.connection)

    declare(broker.connection)
    assert not has_forgotten(broker.connection)


@pytest.fixture
def changed(broker):
    """The name of a queue that the broker has with other arguments than the code."""
    broker.channel.queue_delete(UNROUTED_QUEUE.name)
    broker.channel.queue_declare(
        UNROUTED_QUEUE.name,
        durable=True,
        auto_delete=False,
        arguments={"x-max-length": 5},
    )
    yield UNROUTED_QUEUE.name
    broker.channel.queue_delete(UNROUTED_QUEUE.name)
    declare(broker.connection)


def said_lately():
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
    Parcel.objects.all().delete()


def test_a_queue_with_other_arguments_keeps_the_relay_waiting_and_nothing_is_said_anew(
    broker, changed, caplog
):
    said_lately()
    broker.channel.queue_delete(DEAD_LETTER_QUEUE.name)

    relay.run(Patience(2))
    assert not Parcel.objects.exists()
    waits = [line for line in caplog.messages if "The relay waits" in line]
    assert len(waits) == 2
    assert f"inequivalent arg 'x-max-length' for queue '{changed}'" in waits[0]


@pytest.mark.django_db(transaction=True)
def test_applying_the_topology_does_not_hide_that_a_broker_has_forgotten(
    topology, broker
):
    said_lately()
    broker.channel.queue_delete(DEAD_LETTER_QUEUE.name)

    call_command("topology", apply=True)
    assert Parcel.objects.exists()
