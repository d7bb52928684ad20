"""Everything that writes records and figures, set-based, a batch at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction

from audit import chain
from orders_project.database import sql
from orders_project.messaging import envelope
from orders_project.messaging.envelope import Written
from orders_project.messaging.events import (
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderPaid,
    OrderShipped,
)

#: Our part of the advisory locks' numbers; the other half is the order.
LOCKS = 0x617564  # "aud"

# A statement of its own: the ones after it must see what the last holder committed.
LOCK = """
    SELECT pg_advisory_xact_lock(%s, key) FROM (
        SELECT DISTINCT hashtext(id) AS key FROM unnest(%s::text[]) AS id
        ORDER BY key OFFSET 0
    ) AS keys
"""
RECORDED = """
    SELECT event_id::text FROM audit_auditrecord WHERE event_id = ANY(%s::uuid[])
"""
HEADS = """
    SELECT id::text, head.seq, head.hash FROM unnest(%s::uuid[]) AS id
    CROSS JOIN LATERAL (
        SELECT seq, hash FROM audit_auditrecord WHERE order_id = id
        ORDER BY seq DESC LIMIT 1
    ) AS head
"""
RECORD = f"""
    INSERT INTO audit_auditrecord
        (event_id, order_id, seq, type, time, previous_hash, hash, body)
    SELECT event_id::uuid, order_id::uuid, seq::int, type, time::timestamptz,
        coalesce(previous_hash, ''), hash, body
    FROM {sql.table("event_id, order_id, seq, type, time, previous_hash, hash, body")}
"""

FACTS: Mapping[type[Event], tuple[str, tuple[str, ...]]] = {
    OrderCreated: (
        "created_at",
        ("total_cents", "currency", "country", "category", "method"),
    ),
    OrderPaid: ("paid_at", ("total_cents", "currency")),
    OrderShipped: ("shipped_at", ()),
    OrderCompleted: ("completed_at", ()),
    OrderCancelled: ("cancelled_at", ("reason",)),
}
TIMES = tuple(time for time, _ in FACTS.values())
WORDS = ("reason", "total_cents", "currency", "country", "category", "method")
TYPES = {"total_cents": "bigint"}

# The earliest time and the first word win, so that arrival and copies do not matter.
MEASURE = f"""
    INSERT INTO audit_orderfact AS f (order_id, {", ".join(TIMES + WORDS)})
    SELECT order_id, {", ".join(TIMES + WORDS)} FROM jsonb_to_recordset(%s)
        AS r(order_id uuid, {", ".join(f"{name} timestamptz" for name in TIMES)},
            {", ".join(f"{name} {TYPES.get(name, 'text')}" for name in WORDS)})
    ORDER BY order_id
    ON CONFLICT (order_id) DO UPDATE SET
        {", ".join(f"{n} = least(f.{n}, excluded.{n})" for n in TIMES)},
        {", ".join(f"{n} = coalesce(f.{n}, excluded.{n})" for n in WORDS)}
"""
FORGET = """
    WITH locked AS (
        SELECT order_id FROM audit_orderfact WHERE order_id = ANY(%s::uuid[])
        ORDER BY order_id FOR UPDATE
    )
    DELETE FROM audit_orderfact f USING locked WHERE f.order_id = locked.order_id
"""
LOGGED = """
    SELECT body FROM messaging_event
    WHERE order_id = ANY(%s::uuid[]) AND type = ANY(%s)
"""


def record(written: Sequence[Written]) -> None:
    """Record each event once, as the next link in its order's chain.

    In its sender's words: what another release leaves out or adds stays as it was said.
    """
    by_id = {event.id: (event, text) for event, text in written}
    orders = sorted({event.order_id for event, _ in written})
    sql.fetch(LOCK, [LOCKS, orders])
    recorded = {row[0] for row in sql.fetch(RECORDED, [list(by_id)])}
    heads = {order: (seq, hash_) for order, seq, hash_ in sql.fetch(HEADS, [orders])}
    new = [by_id[one] for one in sorted(by_id) if one not in recorded]
    if new:
        sql.run(RECORD, sql.columns(_links(new, heads)))


def _links(
    written: Iterable[tuple[Event, str]], heads: dict[str, tuple[int, str]]
) -> Iterator[tuple[str, ...]]:
    for event, text in written:
        seq, previous_hash = heads.get(event.order_id, (0, chain.NOTHING))
        # Somebody else's JSON may stand on many lines, which sql.columns cannot carry.
        body = text.replace("\n", " ")
        hash_ = chain.seal(previous_hash, body)
        heads[event.order_id] = seq + 1, hash_
        yield (
            event.id,
            event.order_id,
            str(seq + 1),
            event.type,
            event.time.isoformat(),
            previous_hash,
            hash_,
            body,
        )


def measure(events: Iterable[Event]) -> None:
    """Note in figures what these events tell of their orders."""
    facts: dict[str, dict[str, Any]] = {}
    for event in events:
        time, words = FACTS[type(event)]
        fact = facts.setdefault(event.order_id, {"order_id": event.order_id})
        fact[time] = min(event.time, fact.get(time, event.time))
        fact |= {word: getattr(event, word) for word in words}
    sql.run(MEASURE, [sql.rows(facts.values())])


@transaction.atomic
def measure_again(order_ids: Sequence[str]) -> None:
    """Make the figures of these orders anew from the event log, while others count.

    What a worker counted before our locks is in the log that we read after them, and
    what it counts afterwards is added to ours.
    """
    sql.run(FORGET, [list(order_ids)])
    types = [kind.type for kind in FACTS]
    logged = sql.fetch(LOGGED, [list(order_ids), types])
    measure(envelope.decode(body.encode()) for (body,) in logged)
