"""What was in the hands of a worker that died: in ever smaller batches, then parked.

So what kills is soon alone, since each death holds its neighbours up. A count is noted
before the work and committed on its own, or the death would take it along.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from uuid import NAMESPACE_OID, uuid5

from orders_project.database import sql
from orders_project.messaging.crash import crash_point
from orders_project.messaging.envelope import MAX_EVENTS
from orders_project.messaging.errors import Poison

#: How many run together, by how often they were in a worker that died: parked is what
#: has killed alone twice. The first delivery is not counted, for it is most of them.
CHUNKS = (MAX_EVENTS, 50, 1, 1)
DEADLY = len(CHUNKS) - 1

#: Celery cuts off what runs when a worker loses its broker. The worker knows it again;
#: to another one that gets it then, it looks like a death.
DIED = f"Its worker died {len(CHUNKS)} times while handling it, or lost its broker."

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

T = TypeVar("T")


def key_of(step: str) -> str:
    """Make of a step's name and id, which may be any text, what is counted by."""
    return str(uuid5(NAMESPACE_OID, step))


def in_parts(
    queue: str,
    ones: Sequence[T],
    *,
    id_of: Callable[[T], str],
    is_held: Callable[[T], bool],
    park: Callable[[T, Poison], None],
) -> Iterator[list[T]]:
    """Yield what came back in batches to run, each counted before; park what kills.

    Ids are UUIDs. What `is_held` was stopped by an outage, or by a connection that was
    lost, which is no death to count.
    """
    died = counts(queue, [id_of(one) for one in ones])
    for deaths in range(DEADLY):
        alike = [one for one in ones if died.get(id_of(one), 0) == deaths]
        for part in cut(alike, CHUNKS[deaths + 1]):
            count(queue, [id_of(one) for one in part if not is_held(one)])
            crash_point("deaths: counted")
            yield part
    for one in ones:
        if died.get(id_of(one), 0) >= DEADLY:
            park(one, Poison(DIED))


def counts(queue: str, ids: Sequence[str]) -> dict[str, int]:
    """Return how often each has run again after a worker that died with it."""
    return dict(sql.fetch(SEEN, [queue, list(ids)]))


def forget(queue: str, ids: Sequence[str]) -> None:
    """Clear the count of what was handled: it was not what killed the worker."""
    sql.run(FORGET, [queue, list(ids)])


def count(queue: str, ids: Sequence[str]) -> None:
    """Note that these run again, of those that were in a worker that died."""
    sql.run(COUNT, [queue, sorted(set(ids))])


def cut(ones: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(ones), size):
        yield ones[start : start + size]


def smaller(batch: list[T]) -> Iterator[list[T]]:
    """Cut a batch that failed: the culprit is soon alone, its neighbours are not."""
    return cut(batch, next(size for size in CHUNKS if size < len(batch)))
