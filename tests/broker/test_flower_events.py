"""What a worker tells Flower about batches of events."""

import json
import threading
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from celery.events.receiver import EventReceiver
from django.conf import settings

from orders_project.celery import app
from orders_project.messaging.events import OrderPaid, new_id
from tests.awaiting import eventually
from tests.broker.behaviours import FINE, QUEUE
from tests.faults.proxy import Proxy
from tests.processes import worker


def test_the_states_of_a_batch_reach_flower_in_one_message(broker, topology):
    with worker(QUEUE.name, app="tests.broker.crooked"):
        listening = broker.listen("celeryev", "task.#")
        broker.say(
            QUEUE, OrderPaid(order_id=new_id(), total_cents=FINE, currency="USD")
        )
        states = json.loads(broker.take(listening).body)
    assert [state["type"] for state in states] == [
        "task-received",
        "task-started",
        "task-succeeded",
    ]
    assert {state["uuid"] for state in states} == {states[0]["uuid"]}


@pytest.fixture
def proxy():
    between = Proxy(urlsplit(settings.AMQP_URL).port or 5672)
    yield between
    between.close()


@contextmanager
def flower(proxy):
    """Listen as Flower does, again after each failure; yields what it hears."""
    ear = Ear(proxy)
    thread = threading.Thread(target=ear.listen, daemon=True)
    thread.start()
    try:
        yield ear.heard
    finally:
        ear.stopped = ear.receiver.should_stop = True
        thread.join(30)


class Ear:
    def __init__(self, proxy):
        broker = urlsplit(settings.AMQP_URL)
        self.url = settings.AMQP_URL.replace(f":{broker.port}", f":{proxy.port}")
        self.heard, self.stopped = [], False

    def listen(self):
        while not self.stopped:
            with suppress(Exception), app.connection(self.url) as connection:
                everything = {"*": self.heard.append}
                self.receiver = EventReceiver(connection, everything, app=app)
                self.receiver.capture()


def hears(heard):
    """Return when something that is said from now on has been heard."""
    heard.clear()
    with app.events.default_dispatcher() as dispatcher:
        eventually(lambda: (dispatcher.send("task-said"), heard)[-1], every=0.2)


def test_flower_hears_again_after_its_broker_went_silent(topology, proxy, monkeypatch):
    monkeypatch.setattr("orders_project.messaging.broker.LISTENING_HEARTBEAT", 1)
    with flower(proxy) as heard:
        hears(heard)
        proxy.silence()
        hears(heard)


def test_flower_stays_connected_while_it_is_told_more_than_it_answers(
    topology, proxy, monkeypatch
):
    """RabbitMQ cuts off who says nothing for two heartbeats."""
    monkeypatch.setattr("orders_project.messaging.broker.LISTENING_HEARTBEAT", 1)
    with flower(proxy) as heard, app.events.default_dispatcher() as dispatcher:
        hears(heard)
        links = set(proxy.links)
        for _ in range(60):
            dispatcher.send("task-said")
            threading.Event().wait(0.1)
        assert len(links & proxy.links) == len(links), "was cut off"
