"""The way out of an app: events and tasks are written in the caller's transaction.

`LoggedEvent` keeps every event; `Parcel` holds what the relay still has to publish.
Nobody publishes in any other way.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import msgspec
from celery.canvas import Signature
from django.db import connection, transaction
from kombu.serialization import dumps

from orders_project.database import sql
from orders_project.database.planned import Planned
from orders_project.messaging import envelope
from orders_project.messaging.errors import OutsideTransactionError
from orders_project.messaging.events import NORMAL, Event
from orders_project.messaging.topology import (
    ALIASES_AGAIN,
    ORDER_EXCHANGE,
    aliases,
    headers,
)

CHANNEL = "waybill_parcels"

LOG = f"""
    INSERT INTO messaging_event (id, order_id, type, time, cause, body)
    SELECT id::uuid, order_id::uuid, type, time::timestamptz, cause::uuid, body
    FROM {sql.table("id, order_id, type, time, cause, body")}
"""
PACK = Planned("""
    INSERT INTO messaging_parcel
        (exchange, routing_key, priority, due, headers, properties, event_ids, body)
    SELECT exchange, routing_key, priority,
        statement_timestamp() + make_interval(secs => coalesce(after, 0)),
        headers, properties, event_ids, body
    FROM jsonb_to_recordset(%s) AS p(exchange text, routing_key text,
        priority smallint, after float8, headers text, properties text,
        event_ids uuid[], body text)
""")
SAY = Planned(f"WITH logged AS ({LOG}) {PACK}")
RESEND = """
    INSERT INTO messaging_parcel
        (exchange, routing_key, priority, headers, properties, event_ids)
    SELECT %s, type, coalesce((body::jsonb ->> 'priority')::smallint, %s),
        coalesce(%s::jsonb ->> type, '{}'), '{}', array_agg(id ORDER BY id)
    FROM messaging_event WHERE order_id = ANY(%s::uuid[])
    GROUP BY 2, 3 ORDER BY min(time) RETURNING cardinality(event_ids)
"""

#: type -> the headers of its events when they are sent again.
AGAIN = json.dumps(
    {kind: json.dumps({"CC": keys}) for kind, keys in ALIASES_AGAIN.items()}
)


def append(*events: Event) -> None:
    """Say what happened: log the events and have them published after the commit.

    Raises OutsideTransactionError outside `transaction.atomic()`.
    """
    if not events:
        return
    _require_transaction()
    entries = sql.columns(_log_entry(event) for event in events)
    parcels = sql.rows(_parcel(one) for one in _alike(events))
    sql.run(SAY, [*entries, parcels])
    wake_after_commit()


def send_task(signature: Signature, *, after: float = 0) -> None:
    """Have a Celery task, or a whole chain, sent `after` seconds after the commit.

    This replaces `eta` and `countdown`, which would sit unacknowledged in a worker's
    memory. The seconds are of the server's clock: a worker's may be wrong.
    """
    _require_transaction()
    parcels = ({**message, "after": after} for message in _messages(signature))
    sql.run(PACK, [sql.rows(parcels)])
    wake_after_commit()


def resend(order_ids: Iterable[str]) -> int:
    """Send every event of these orders again; who has handled one skips it.

    Returns how many. Of the aliases only those are used by which we hear ourselves.
    """
    _require_transaction()
    sent = sql.fetch(RESEND, [ORDER_EXCHANGE.name, NORMAL, AGAIN, list(order_ids)])
    wake_after_commit()
    return sum(count for (count,) in sent)


def wake_after_commit() -> None:
    # Robust: an error would reach the caller as if nothing were stored, and who then
    # orders again pays twice. The relay looks by itself once a second.
    transaction.on_commit(wake_relay, robust=True)


def wake_relay() -> None:
    # After the commit, on its own: inside the transaction NOTIFY would hold a lock
    # of the whole database cluster until the commit is on disk.
    sql.run(f"NOTIFY {CHANNEL}")


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise OutsideTransactionError(
            "The outbox was used outside a transaction, so the event could be said "
            "without being true. Wrap the change and the call in transaction.atomic()."
        )


def _log_entry(event: Event) -> tuple[str, ...]:
    return (
        event.id,
        event.order_id,
        event.type,
        event.time.isoformat(),
        event.cause or "",
        envelope.encode(event),
    )


def _alike(events: Iterable[Event]) -> Iterable[list[Event]]:
    """Put together what may travel in one message."""
    groups: dict[object, list[Event]] = defaultdict(list)
    for event in events:
        groups[event.type, event.priority, _headers(event)].append(event)
    return groups.values()


def _headers(event: Event) -> str:
    extra: dict[str, Any] = {**headers(event)}
    if keys := aliases(event):
        extra["CC"] = keys
    return msgspec.json.encode(extra).decode()


def _parcel(alike: Sequence[Event]) -> dict[str, Any]:
    first = alike[0]
    return {
        "exchange": ORDER_EXCHANGE.name,
        "routing_key": first.type,
        "priority": first.priority,
        "headers": _headers(first),
        "properties": "{}",
        "event_ids": [event.id for event in alike],
    }


def _messages(signature: Signature) -> Iterator[dict[str, Any]]:
    # Celery's own chain would not hand our producer on to its first step.
    first, *rest = getattr(signature, "tasks", [signature])
    with _recording() as (producer, messages):
        first.apply_async(producer=producer, chain=rest[::-1] or None)
    for body, options in messages:
        content_type, encoding, text = dumps(body, serializer="json")
        properties = {
            "correlation_id": options.get("correlation_id"),
            "content_type": content_type,
            "content_encoding": encoding,
        }
        yield {
            "exchange": options["exchange"],
            "routing_key": options["routing_key"],
            "priority": options.get("priority") or NORMAL,
            "headers": msgspec.json.encode(options["headers"]).decode(),
            "properties": msgspec.json.encode(properties).decode(),
            "body": text,
        }


@contextmanager
def _recording() -> Iterator[tuple[Any, list[tuple[Any, dict[str, Any]]]]]:
    """Stand in for a kombu producer: Celery builds the message, and we keep it."""
    messages: list[tuple[Any, dict[str, Any]]] = []
    yield (
        SimpleNamespace(
            connection=SimpleNamespace(_reraise_as_library_errors=nullcontext),
            publish=lambda body, **options: messages.append((body, options)),
        ),
        messages,
    )
