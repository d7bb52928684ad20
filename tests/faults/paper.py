"""RabbitMQ on paper: queues as lists that a test empties in whatever order it likes.

Routing follows topology.py, messages come from the real relay and from Celery, and run
as in a worker. Only who gets what and when is the test's to say.
"""

import re
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from celery import current_app
from celery.app.trace import build_tracer
from kombu.serialization import dumps, loads

from orders_project.messaging import topology
from orders_project.messaging.topology import DEAD_DESK_QUEUE, DEAD_LETTER_QUEUE, RUNGS
from orders_project.messaging.worker.sorting import sort_out

#: Where no worker of ours takes messages from: rungs and parking places.
RESTING = {rung.queue.name for rung in RUNGS}
PARKED = {queue.name for queue in topology.PARKED}


@dataclass(eq=False)
class Copy:
    """A message, as it lies in one queue."""

    queue: str
    key: str
    body: bytes
    headers: Mapping[str, Any]
    properties: Mapping[str, Any] = field(default_factory=dict)
    redelivered: bool = False

    @property
    def is_task(self):
        return "task" in self.headers and self.queue != DEAD_DESK_QUEUE.name

    @property
    def delivery(self):
        return {
            "exchange": "",
            "routing_key": self.key,
            "redelivered": self.redelivered,
            "priority": self.properties.get("priority"),
        }


class PaperBroker:
    """What is in the queues, and both ways of publishing: the relay's and Celery's."""

    def __init__(self):
        self.copies = []

    # ---- the relay's Publisher
    def publish(self, messages):
        returned = set()
        for one in messages:
            headers = dict(one.properties["application_headers"])
            if not self.put(
                one.exchange, one.routing_key, one.body, headers, one.properties
            ):
                returned.add(one.properties["message_id"])
        return returned

    def put(self, exchange, key, body, headers, properties):
        keys = (key, *headers.pop("CC", ()))
        body = body.encode() if isinstance(body, str) else body
        queues = routes(exchange, keys)
        for queue in sorted(queues):
            self.copies.append(Copy(queue, key, body, headers, properties))
        return queues

    # ---- Celery's producer
    @contextmanager
    def acquire(self, *_args, **_options):
        def publish(body, *, exchange, routing_key, headers, **properties):
            if not isinstance(body, bytes):
                _, _, body = dumps(body, serializer="json")
            assert self.put(exchange, routing_key, body, dict(headers), properties)

        connection = SimpleNamespace(
            _reraise_as_library_errors=nullcontext,
            recoverable_connection_errors=(),
            recoverable_channel_errors=(),
        )
        # What no queue takes fails above, and so never comes back.
        channel = SimpleNamespace(events={"basic_return": set()})
        yield SimpleNamespace(publish=publish, connection=connection, channel=channel)

    # ---- what a worker may take, and what becomes of it
    @property
    def ready(self):
        return [one for one in self.copies if one.queue not in RESTING | PARKED]

    def batch(self, number, size):
        """Take up to `size` messages of one queue, from any place in it."""
        first = self.ready[number % len(self.ready)]
        if first.is_task:
            return [first]
        alike = [one for one in self.ready if one.queue == first.queue]
        alike = [one for one in alike if not one.is_task]
        start = alike.index(first)
        return (alike[start:] + alike[:start])[:size]

    def acknowledge(self, copies):
        gone = {*map(id, copies)}
        self.copies = [one for one in self.copies if id(one) not in gone]

    def came_back(self, copies):
        for one in copies:
            one.redelivered = True

    def duplicate(self, number):
        self.copies.append(replace(self.ready[number % len(self.ready)]))

    def expire(self):
        """Let what waits on a rung go home, by its routing key."""
        for one in [one for one in self.copies if one.queue in RESTING]:
            one.queue = one.key

    def replay(self):
        """Do what a person does with a dead letter: send it to its queue once more."""
        for one in [one for one in self.copies if one.queue == DEAD_LETTER_QUEUE.name]:
            one.queue = one.headers["x-queue"]
            one.headers = {
                name: value for name, value in one.headers.items() if name[:2] != "x-"
            }


@cache
def routes(exchange, keys):
    """Return the queues to which an exchange leads for these routing keys."""
    if exchange == "":
        return frozenset(keys)
    bound = {
        queue.name
        for queue in topology.QUEUES
        for source, key in topology.keys_of(queue)
        if source.name == exchange and matches(source.type, key, keys)
    }
    for road in topology.ROADS:
        source = road.source
        if source.name == exchange and matches(source.type, road.routing_key, keys):
            bound |= routes(road.destination.name, keys)
    return frozenset(bound)


def matches(kind, bound, keys):
    if kind == "topic":
        words = {"*": r"[^.]+", "#": r".*"}
        pattern = r"\.".join(words.get(w, re.escape(w)) for w in bound.split("."))
        return any(re.fullmatch(pattern.replace(r"\..*", r"(\..*)?"), k) for k in keys)
    return {"fanout": True, "direct": bound in keys, "headers": False}[kind]


def work(copies):
    """Run these messages as a worker's pool does."""
    if copies[0].is_task:
        run_task(copies[0])
        return
    waiting = [sort_out(one.queue, as_message(one)) for one in copies]
    known = [one for one in waiting if one]
    for (task, extra), batch in groupby(known, key=lambda one: (one.task, one.extra)):
        current_app.tasks[task]([tuple(one.wire) for one in batch], *extra)


def as_message(copy):
    properties = {"priority": copy.properties.get("priority")}
    return SimpleNamespace(
        body=copy.body,
        headers=dict(copy.headers),
        properties=properties,
        delivery_info=copy.delivery,
    )


def run_task(copy):
    """Run a task by Celery's own tracer, which also sends the next of its chain."""
    args, kwargs, embed = loads(copy.body, "application/json", "utf-8")
    task = current_app.tasks[copy.headers["task"]]
    request = dict(copy.headers) | embed | {"delivery_info": copy.delivery}
    trace = build_tracer(task.name, task, app=current_app, propagate=True)
    trace(copy.headers["id"], args, kwargs, request)
