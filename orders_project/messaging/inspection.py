"""Looking at the live broker through RabbitMQ's management API, and comparing it.

https://www.rabbitmq.com/docs/management#http-api
"""

import base64
import json
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management.base import CommandError
from kombu import Connection, Exchange, Queue

from orders_project.messaging.errors import MessagingError
from orders_project.messaging.events import EVENTS
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.topology import (
    AUDIT_ONLY,
    AUDIT_QUEUE,
    EXCHANGES,
    QUEUES,
    ROADS,
    keys_of,
)

#: Where no port is said: a proxy's, with TLS.
PORTS = {"http": 15672, "https": 443}

Found = dict[str, Any]
Binding = tuple[str, str, str, str]


class ManagementError(MessagingError, CommandError):
    """RabbitMQ's management API did not answer. Commands print it without traceback."""


def get(path: str) -> Any:
    """GET a page of the management API, without its /api/ prefix, as JSON."""
    parts = urlsplit(settings.MANAGEMENT_URL)
    host = f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}"
    login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
    request = Request(  # noqa: S310 - a URL from the settings, never from a request
        f"{parts.scheme}://{host}/api/{path}",
        headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()},
    )
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            return json.load(answer)
    # Also what is no management API: the port of AMQP, somebody else's web server.
    except (OSError, HTTPException, ValueError) as error:
        raise ManagementError(
            f"RabbitMQ's management API at {host} says: {error!r}. "
            "If RabbitMQ runs: set MANAGEMENT_URL=http://user:password@host:"
            "15672, and enable the plugin: rabbitmq-plugins enable rabbitmq_management"
        ) from error


def _vhost() -> str:
    return quote(Connection(settings.AMQP_URL).virtual_host or "/", safe="")


def queues() -> list[Found]:
    """Return what the broker says of our queues, in the order of topology.py."""
    found = {queue["name"]: queue for queue in get(f"queues/{_vhost()}")}
    return [found[queue.name] for queue in QUEUES if queue.name in found]


def depths() -> dict[str, int]:
    """Return how many messages each queue holds now, delivered to a worker or not.

    The figures of `queues` are some seconds old; these are asked of the queues.
    """
    query = "disable_stats=true&enable_queue_totals=true"
    found = get(f"queues/{_vhost()}?{query}")
    return {queue["name"]: queue.get("messages", 0) for queue in found}


def differences() -> Iterator[str]:
    """Say in words how the live broker differs from topology.py."""
    yield from _compare("exchange", EXCHANGES, get(f"exchanges/{_vhost()}"))
    yield from _compare("queue", QUEUES, get(f"queues/{_vhost()}"))
    wanted, live = set(_wanted_bindings()), set(_live_bindings())
    for source, key, kind, name in sorted(wanted - live):
        yield (
            f"Binding missing: {source} -> {kind} {name} by {key!r}. "
            "Make it with: manage.py topology --apply"
        )
    for source, key, kind, name in sorted(live - wanted):
        yield (
            f"Binding not in topology.py: {source} -> {kind} {name} by {key!r}. It is "
            "left from older code, or made by hand; unbind it in the management UI."
        )


def _compare(what: str, wanted: Any, found: list[Found]) -> Iterator[str]:
    live = {one["name"]: one for one in found}
    for entity in wanted:
        if entity.name not in live:
            yield f"The {what} {entity.name} is missing: manage.py topology --apply"
            continue
        for name, (ours, theirs) in _attributes(entity, live[entity.name]).items():
            if ours != theirs:
                yield (
                    f"The {what} {entity.name} has {name} {theirs!r}, the code says "
                    f"{ours!r}. RabbitMQ cannot change it: delete it (a queue: once it "
                    "is empty), and run manage.py topology --apply"
                )


def _attributes(
    entity: Exchange | Queue, live: Found
) -> dict[str, tuple[object, object]]:
    both: dict[str, tuple[object, object]] = {
        "durable": (True, live["durable"]),
        "arguments": (_arguments(entity), _plain(live["arguments"])),
    }
    if isinstance(entity, Exchange):
        both["type"] = (entity.type, live["type"])
    return both


def _arguments(entity: Exchange | Queue) -> Found:
    if isinstance(entity, Exchange):
        return dict(entity.arguments or {})
    arguments = dict(entity.queue_arguments or {})
    if ttl := entity.as_dict()["message_ttl"]:
        arguments["x-message-ttl"] = int(ttl * 1000)
    return _plain(arguments)


def _plain(arguments: Found) -> Found:
    # Classic is what a queue is when nothing is said; 4.x answers it all the same.
    return {
        key: value
        for key, value in arguments.items()
        if (key, value) != ("x-queue-type", "classic")
    }


def _wanted_bindings() -> Iterator[Binding]:
    for queue in QUEUES:
        for exchange, key in keys_of(queue):
            yield exchange.name, key, "queue", queue.name
    for road in ROADS:
        yield road.source.name, road.routing_key, "exchange", road.destination.name


def _live_bindings() -> Iterator[Binding]:
    """Yield what leads to our queues and exchanges; others may bind what they like."""
    ours = {("queue", one.name) for one in QUEUES}
    ours |= {("exchange", one.name) for one in EXCHANGES}
    for one in get(f"bindings/{_vhost()}"):
        target = (one["destination_type"], one["destination"])
        if one["source"] and target in ours:
            yield one["source"], one["routing_key"], *target


def unheard() -> Iterator[str]:
    """Say which event types nobody handles but the audit."""
    heard = {kind for queue, kind in HEARS if queue != AUDIT_QUEUE.name}
    for kind in sorted(EVENTS.keys() - heard - AUDIT_ONLY.keys()):
        yield (
            f"Nobody hears {kind} but the audit. Write a handler with @hears, or say "
            "in topology.AUDIT_ONLY why none is wanted."
        )
