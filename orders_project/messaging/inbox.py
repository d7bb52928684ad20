"""Which events a queue has handled already."""

from collections.abc import Sequence

from orders_project.database import sql
from orders_project.messaging.events import Event

TAKE = """
    INSERT INTO messaging_inbox (queue, event_id)
    SELECT %s, id FROM unnest(%s::uuid[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING RETURNING event_id::text
"""


def take_new(queue: str, events: Sequence[Event]) -> list[Event]:
    """Return the events this queue has not handled yet, and note that it does now.

    In the handler's transaction, so that noting and doing are one. A copy of an
    event inside the batch is dropped as well.
    """
    by_id = {event.id: event for event in events}
    fresh = {row[0] for row in sql.fetch(TAKE, [queue, list(by_id)])}
    return [event for event in by_id.values() if event.id in fresh]
