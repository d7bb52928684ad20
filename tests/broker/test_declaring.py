"""Declaring the topology: all of it at once, and nothing else than was asked for."""

import time
from urllib.parse import urlsplit

import amqp
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from kombu import Connection, Queue

from orders_project.messaging import broker as ours
from orders_project.messaging import outbox
from orders_project.messaging.broker import declare, has_forgotten
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import Parcel
from orders_project.messaging.topology import DEAD_LETTER_QUEUE, EXCHANGES, QUEUES
from tests.faults.proxy import Proxy

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


def test_a_queue_that_is_there_with_other_arguments_is_refused(topology, monkeypatch):
    there = QUEUES[0]
    other = Queue(there.name, there.exchange, there.routing_key, max_priority=3)
    monkeypatch.setattr(ours, "QUEUES", [other])
    refused = pytest.raises(amqp.PreconditionFailed, match=there.name)
    with Connection(settings.AMQP_URL) as connection, refused:
        declare(connection)


def test_a_broker_without_our_queues_is_known_to_have_forgotten(topology, broker):
    assert not has_forgotten(broker.connection)
    broker.channel.queue_delete(DEAD_LETTER_QUEUE.name)
    assert has_forgotten(broker.connection)

    declare(broker.connection)
    assert not has_forgotten(broker.connection)


@pytest.mark.django_db(transaction=True)
def test_applying_the_topology_does_not_hide_that_a_broker_has_forgotten(
    topology, broker
):
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
    Parcel.objects.all().delete()
    broker.channel.queue_delete(DEAD_LETTER_QUEUE.name)

    call_command("topology", apply=True)
    assert Parcel.objects.exists()
