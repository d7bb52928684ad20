"""Fixtures for every test: the fakes of `tests/bus.py`, and no broker by accident."""

import amqp
import hypothesis
import pytest
from django.conf import settings
from kombu import Connection

from orders_project.messaging import retry, steps
from orders_project.messaging.broker import declare
from orders_project.messaging.topology import QUEUES
from tests.bus import Rungs
from tests.rabbit import Broker

REAL = {"broker", "story", "faults"}


def pytest_configure():
    # What makes a password hash good is that it takes long.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# How long the search for a bad order of things may take: bin/faults --nightly.
hypothesis.settings.register_profile(
    "usual", max_examples=120, stateful_step_count=40, print_blob=True
)
hypothesis.settings.register_profile(
    "nightly", max_examples=5_000, stateful_step_count=60, print_blob=True
)
hypothesis.settings.load_profile("usual")


def pytest_collection_modifyitems(config, items):
    for item in items:
        for name in REAL & {*item.path.relative_to(config.rootpath).parts}:
            item.add_marker(name)


@pytest.fixture(autouse=True)
def rungs(request, monkeypatch):
    """Keep what would be published to a retry rung or parked, but for real brokers."""
    kept = Rungs()
    if not REAL & {mark.name for mark in request.node.iter_markers()}:
        monkeypatch.setattr(retry, "_publish", lambda *sent: kept.append(sent))
        monkeypatch.setattr(steps, "_send_again", lambda *sent: kept.append(sent))
    return kept


@pytest.fixture(scope="session")
def topology():
    """Declare every exchange and queue; say how to get a broker if there is none."""
    try:
        with Connection(settings.AMQP_URL, connect_timeout=5) as connection:
            declare(connection)
    except (OSError, amqp.AMQPError) as error:
        pytest.fail(f"No RabbitMQ at AMQP_URL ({error}). Run these with: bin/test")


@pytest.fixture
def broker(topology, transactional_db):
    """A connection with every queue empty, and handy verbs."""
    with Connection(settings.AMQP_URL, connect_timeout=5) as connection:
        channel = connection.channel()
        empty(channel)
        yield Broker(connection, channel)
        # Workers that serve a whole module start before their first test's `broker`:
        # they must not hear of orders that are gone from the database.
        empty(channel)


def empty(channel):
    for queue in QUEUES:
        channel.queue_purge(queue.name)
