"""From the outbox's parcels to the messages that the relay publishes.

Under load a message holds an array of events, which form by themselves, like a
database's group commit (docs/adr/0003).
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from orders_project.database import sql
from orders_project.messaging import backlog, envelope
from orders_project.messaging.broker import Message
from orders_project.messaging.events import app_of, utc_now

logger = logging.getLogger(__name__)

#: Events in one transaction, or somewhat more: enough to keep the broker busy, few
#: enough that an urgent one does not wait long behind them. The first look is for GRIP
#: parcels, since one may hold hundreds of events, each further one for twice as many.
HANDFUL, GRIP = 2_000, 4
MAX_BYTES = 512 * 1024

# By place: by id the planner may take the other index, and read all of it for each
# parcel, which cost a third of the server's time.
TAKE = f"""
    WITH taken AS (
        DELETE FROM messaging_parcel WHERE ctid = ANY(ARRAY(
            SELECT ctid
            FROM {backlog.due("ORDER BY due, id LIMIT %(grip)s FOR UPDATE SKIP LOCKED")}
            LIMIT %(grip)s))
        RETURNING *
    )
    SELECT id, exchange, routing_key, priority, headers, properties, body,
        event_ids::text[]
    FROM taken ORDER BY priority DESC, due, id
"""
BODIES = """
    SELECT id::text, body FROM messaging_event WHERE id = ANY(%s::uuid[])
"""


class Taken(NamedTuple):
    """A row of TAKE: a task with its body, or the ids of events in the log."""

    id: int
    exchange: str
    routing_key: str
    priority: int
    headers: str
    properties: str
    body: str | None
    event_ids: list[str] | None


class Content(NamedTuple):
    """One event, or one task, of a parcel."""

    parcel: Taken
    body: str


def take() -> Iterator[Taken]:
    """Take about a handful of what is due: the urgent first, then who is due first.

    It is there again if the transaction does not come to its end.
    """
    taken, grip, more = 0, GRIP, True
    while more and taken < HANDFUL:
        parcels = [Taken(*row) for row in sql.fetch(TAKE, {"grip": grip})]
        taken += sum(len(one.event_ids or [one]) for one in parcels)
        more, grip = len(parcels) == grip, 2 * grip
        yield from parcels


def _open(parcels: Sequence[Taken]) -> Iterator[Content]:
    ids = [one for parcel in parcels for one in parcel.event_ids or ()]
    logged: dict[str, str] = dict(sql.fetch(BODIES, [ids]))
    for parcel in parcels:
        if parcel.body is not None:
            yield Content(parcel, parcel.body)
        for event_id in parcel.event_ids or ():
            if event_id in logged:
                yield Content(parcel, logged[event_id])
            else:
                logger.error("Event %s is not in the log, and not published.", event_id)


def groups_of(parcels: Sequence[Taken]) -> Iterator[list[Content]]:
    """Merge events of one kind, priority and aliases; a task stays alone."""
    merged: dict[object, list[Content]] = {}
    for one in _open(parcels):
        parcel = one.parcel
        alike = (parcel.exchange, parcel.routing_key, parcel.priority, parcel.headers)
        merged.setdefault(alike if parcel.event_ids else parcel.id, []).append(one)
    for group in merged.values():
        yield from _cut(group)


def _cut(group: Iterable[Content]) -> Iterator[list[Content]]:
    part: list[Content] = []
    size = 0
    for one in group:
        length = len(one.body.encode())
        if part and (len(part) == envelope.MAX_EVENTS or size + length > MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += length
    yield part


def message(message_id: str, group: Sequence[Content]) -> Message:
    """Make one message of a group."""
    first = group[0].parcel
    body, properties = _events(group) if first.event_ids else (group[0].body, {})
    return Message(
        first.exchange,
        first.routing_key,
        body,
        msgspec.json.decode(first.properties)
        | properties
        | {
            "application_headers": msgspec.json.decode(first.headers),
            "message_id": message_id,
            "priority": first.priority,
            "delivery_mode": 2,
            "timestamp": int(utc_now().timestamp()),
        },
    )


def _events(group: Sequence[Content]) -> tuple[str, dict[str, str]]:
    key = group[0].parcel.routing_key
    return envelope.batch([one.body for one in group]), {
        "content_type": envelope.BATCH,
        "content_encoding": "utf-8",
        "type": key,
        "app_id": app_of(key),
    }
