"""How a worker lives with its broker."""

import pytest
from celery import current_app
from kombu import Connection

from orders_project.messaging.worker import EventConsumer

LONG = 120


class TooLongError(Exception):
    """It would have gone on for ever."""


def test_a_worker_looks_for_its_broker_every_few_seconds(monkeypatch):
    tries, slept = [], []

    def sleep(seconds):
        slept.append(seconds)
        if sum(slept) > LONG:
            raise TooLongError

    def refuse():
        tries.append(len(slept))
        raise ConnectionRefusedError

    broker = Connection("amqp://nowhere.example//")
    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    monkeypatch.setattr(broker, "_connection_factory", refuse)
    with pytest.raises(TooLongError):
        worker().ensure_connected(broker)

    assert len(tries) > LONG / 6


def worker():
    """Make a consumer as Celery would, but for what needs a broker."""
    consumer = object.__new__(EventConsumer)
    consumer.app = current_app
    consumer.first_connection_attempt = False
    consumer.broker_connection_retry_attempt = 0
    return consumer
