"""Which events a queue has handled already, and which came back too often."""

from collections.abc import Sequence

from orders_project.messaging import sql
from orders_project.messaging.events import Event

TAKE = """
    INSERT INTO messaging_inbox (queue, event_id)
    SELECT %s, id FROM unnest(%s::uuid[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING RETURNING event_id::text
"""
COUNT = """
    INSERT INTO messaging_attempt AS a (queue, event_id, count)
    SELECT %s, id, 1 FROM unnest(%s::uuid[]) AS id ORDER BY id
    ON CONFLICT (queue, event_id) DO UPDATE SET count = a.count + 1, at = now()
"""
SEEN = """
    SELECT event_id::text, count FROM messaging_attempt
    WHERE queue = %s AND event_id = ANY(%s::uuid[])
"""

FORGET = """
    DELETE FROM messaging_attempt WHERE queue = %s AND event_id = ANY(%s::uuid[])
"""


def take_new(queue: str, events: Sequence[Event]) -> list[Event]:
    """Return the events this queue has not handled yet, and note that it does now.

    In the handler's transaction, so that noting and doing are one. A copy of an
    event inside the batch is dropped as well.
    """
    by_id = {event.id: event for event in events}
    fresh = {row[0] for row in sql.fetch(TAKE, [queue, list(by_id)])}
    return [event for event in by_id.values() if event.id in fresh]


def attempts(queue: str, event_ids: Sequence[str]) -> dict[str, int]:
    """Return how often each event was in the hands of a worker that died."""
    return dict(sql.fetch(SEEN, [queue, list(event_ids)]))


def count_attempt(queue: str, event_ids: Sequence[str]) -> None:
    """Note, before the work and committed on its own, that these run again."""
    sql.run(COUNT, [queue, sorted(set(event_ids))])


def forget_attempts(queue: str, event_ids: Sequence[str]) -> None:
    """Clear the count of what was handled: it was not what killed the worker."""
    sql.run(FORGET, [queue, list(event_ids)])
