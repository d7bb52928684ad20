"""The only one who publishes events: from the outbox's parcels to RabbitMQ.

Reserve parcels under lock, publish them with pipelined confirms, delete what the broker
confirmed, commit. Whoever dies in between leaves the parcels where they were: they go
out again, and the inbox of each queue drops the second copy. Any number may run.
"""

import logging
import random
import select
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from kombu import Connection

from orders_project.messaging import envelope, sql
from orders_project.messaging.broker import (
    BlockedError,
    Message,
    Publisher,
    declare,
)
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import EVENTS, new_id, utc_now
from orders_project.messaging.outages import BROKER_GONE
from orders_project.messaging.outbox import CHANNEL
from orders_project.messaging.plans import find_rows_by_key

logger = logging.getLogger(__name__)

#: Parcels in one transaction: enough to keep the broker busy, few enough that an
#: urgent one does not wait long behind them.
HANDFUL = 2_000
MAX_BYTES = 512 * 1024
#: Seconds: the net under LISTEN, and the wait for a queue that is not there.
POLL, UNROUTABLE = 1.0, 30
LONGEST_PAUSE = 4.0

TAKE = """
    SELECT p.ctid::text, p.exchange, p.routing_key, p.priority, p.headers, p.properties,
        coalesce(p.body, (SELECT body FROM messaging_event e WHERE e.id = p.event_id)),
        p.event_id IS NOT NULL AS is_event
    FROM messaging_parcel p
    WHERE p.due <= statement_timestamp()
    ORDER BY p.priority DESC, p.id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# By place: they are locked, so they stay where they are. By id the planner may take the
# other index, and read all of it for each parcel: it cost a third of the server's time.
DELETE = "DELETE FROM messaging_parcel WHERE ctid = ANY(%s::tid[])"
POSTPONE = """
    UPDATE messaging_parcel SET due = now() + make_interval(secs => %s)
    WHERE ctid = ANY(%s::tid[])
"""


class Taken(NamedTuple):
    """A row of TAKE."""

    place: str
    exchange: str
    routing_key: str
    priority: int
    headers: str
    properties: str
    body: str
    is_event: bool


def run(stopped: threading.Event) -> None:
    """Carry parcels until told to stop, through every outage of broker or database."""
    find_rows_by_key()
    pause = 0.0
    while not stopped.wait(pause):
        try:
            with Connection(settings.AMQP_URL, **TIMEOUTS) as broker:
                declare(broker)
                _listen()
                logger.info("The relay is connected.")
                pause = 0.0
                _carry_on(Publisher(broker.connection), stopped)
        except (*BROKER_GONE, OperationalError, InterfaceError) as error:
            connection.close()
            pause = min(max(pause * 2, 0.5), LONGEST_PAUSE) * random.uniform(0.75, 1)
            logger.warning("The relay waits %.1f s: %r", pause, error)


TIMEOUTS: dict[str, Any] = {
    "heartbeat": 10,
    "connect_timeout": 4,
    "transport_options": {"read_timeout": 5, "write_timeout": 5},
}


def _carry_on(publisher: Publisher, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            if not carry(publisher):
                _rest(publisher)
        except BlockedError as alarm:
            logger.warning("The relay waits, the outbox keeps what is said: %s", alarm)
            _sit_out(publisher, stopped)


def _sit_out(publisher: Publisher, stopped: threading.Event) -> None:
    # On the same connection, outside any transaction: a new one would not be told of
    # the alarm before it publishes, and the end of it is told at once.
    while publisher.blocked and not stopped.is_set():
        publisher.keep_alive(POLL)
    if not publisher.blocked:
        logger.info("RabbitMQ takes messages again.")


def carry(publisher: Publisher) -> int:
    """Publish one handful of what is due; returns how many parcels went out."""
    with transaction.atomic():
        parcels = [Taken(*row) for row in sql.fetch(TAKE, [HANDFUL])]
        if not parcels:
            return 0
        groups = {new_id(): group for group in _groups(parcels)}
        returned = publisher.publish([_message(*item) for item in groups.items()])
        crash_point("relay: published, not deleted")
        _postpone([groups[message] for message in returned])
        kept = {one.place for message in returned for one in groups[message]}
        sql.run(DELETE, [[one.place for one in parcels if one.place not in kept]])
        crash_point("relay: deleted, not committed")
    return len(parcels) - len(kept)


def _groups(parcels: Sequence[Taken]) -> Iterator[list[Taken]]:
    """Merge events of one kind, priority and aliases; a task stays alone."""
    merged: dict[object, list[Taken]] = {}
    for one in parcels:
        alike = (one.exchange, one.routing_key, one.priority, one.headers)
        merged.setdefault(alike if one.is_event else one.place, []).append(one)
    for group in merged.values():
        yield from _cut(group)


def _cut(group: Iterable[Taken]) -> Iterator[list[Taken]]:
    part: list[Taken] = []
    size = 0
    for parcel in group:
        full = len(part) == envelope.MAX_EVENTS or size + len(parcel.body) > MAX_BYTES
        if part and full:
            yield part
            part, size = [], 0
        part.append(parcel)
        size += len(parcel.body)
    yield part


def _message(message_id: str, group: Sequence[Taken]) -> Message:
    first = group[0]
    properties = msgspec.json.decode(first.properties)
    if first.is_event:
        properties |= {
            "content_type": envelope.BATCH,
            "content_encoding": "utf-8",
            "type": first.routing_key,
            "app_id": EVENTS[first.routing_key].app(),
        }
    body = envelope.batch([one.body for one in group]) if first.is_event else first.body
    return Message(
        first.exchange,
        first.routing_key,
        body,
        properties
        | {
            "application_headers": msgspec.json.decode(first.headers),
            "message_id": message_id,
            "priority": first.priority,
            "delivery_mode": 2,
            "timestamp": int(utc_now().timestamp()),
        },
    )


def _postpone(groups: Sequence[Sequence[Taken]]) -> None:
    for group in groups:
        sql.run(POSTPONE, [UNROUTABLE, [one.place for one in group]])
        logger.error(
            "No queue takes %r from %s: it is kept, and tried again in %d s. "
            "Declare what is missing: manage.py topology --apply",
            group[0].routing_key,
            group[0].exchange,
            UNROUTABLE,
        )


def _listen() -> None:
    connection.ensure_connection()
    sql.run(f"LISTEN {CHANNEL}")


def _rest(publisher: Publisher) -> None:
    """Wait for a NOTIFY, or for the next poll; answer the broker's heartbeats."""
    raw = connection.connection
    if not raw.notifies:
        select.select([raw, publisher.connection.sock], [], [], POLL)
        with connection.wrap_database_errors:
            raw.poll()
    raw.notifies.clear()
    publisher.keep_alive()
