"""Keeping dead.letter.queue in step with the desk.

The queue holds the messages of open letters, as a second record that does not depend
on the database. Tidying takes out what was settled, and puts on the desk what is not
there: after a restored backup, or a bug that kept the desk from recording it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from celery import current_app
from kombu import Queue

from orders_project.database import sql
from orders_project.messaging.desk import recording
from orders_project.messaging.errors import MessagingError
from orders_project.messaging.events import NORMAL
from orders_project.messaging.topology import DEAD_DESK_QUEUE, DEAD_LETTER_QUEUE
from orders_project.messaging.wire import Wire

CHUNK = 500
#: Seconds to wait for a message that the broker counted.
SILENCE = 5

SETTLED = """
    SELECT EXISTS (SELECT FROM messaging_deadletter
        WHERE copies > 0 AND status NOT IN ('open', 'replaying'))
"""
KNOWN = (
    "SELECT coalesce(sum(copies), 0)::int FROM messaging_deadletter WHERE copies > 0"
)
FIND = """
    SELECT d.queue, d.identity, d.id, d.status IN ('open', 'replaying')
    FROM messaging_deadletter d
    JOIN unnest(%s::text[], %s::text[]) AS wanted (queue, identity)
        USING (queue, identity)
"""
TAKEN = """
    UPDATE messaging_deadletter SET copies = greatest(copies - 1, 0) WHERE id = %s
"""
# Only what was recorded before we began to read: the rest was not there to be seen.
# Fewer were purged, more are second copies of one death, which the desk records once.
COUNTED = """
    UPDATE messaging_deadletter d SET copies = coalesce(s.seen, 0)
    FROM messaging_deadletter known
    LEFT JOIN jsonb_to_recordset(%s) AS s(id bigint, seen int) USING (id)
    WHERE d.id = known.id AND known.copies <> coalesce(s.seen, 0)
        AND greatest(known.parked, known.since)
            < %s::timestamptz - interval '1 minute'
"""

Key = tuple[str, str]


class AlreadyTidyingError(MessagingError):
    """Somebody else tidies at this moment: another shell, or the minutely task."""


class Found(NamedTuple):
    """A letter on the desk, as far as its message is concerned."""

    id: int
    is_open: bool


class Tidied(NamedTuple):
    """What was found: messages taken out, put on the desk, and left where they are."""

    taken: int
    recorded: int
    left: int

    def __str__(self) -> str:
        return (
            f"{self.taken} settled messages were taken out of dead.letter.queue, "
            f"{self.recorded} put on the desk, {self.left} left."
        )


def known_copies() -> int:
    """Return how many messages dead.letter.queue holds, as far as the desk knows."""
    [(count,)] = sql.fetch(KNOWN)
    return int(count)


def is_untidy() -> bool:
    """Tell whether the queue holds settled letters, or differs from the desk."""
    [(settled,)] = sql.fetch(SETTLED)
    with current_app.connection_for_read() as connection:
        desk = _depth(connection, DEAD_DESK_QUEUE)
        parked = _depth(connection, DEAD_LETTER_QUEUE)
    return bool(settled) or (not desk and parked != known_copies())


def tidy() -> Tidied:
    """Read dead.letter.queue once from end to end, and take out what is settled.

    One at a time: a second one would find the queue empty, in the hands of the first.
    Raises AlreadyTidyingError.
    """
    with sql.alone(__name__) as is_alone:
        if not is_alone:
            raise AlreadyTidyingError(AlreadyTidyingError.__doc__)
        return _tidy()


def _tidy() -> Tidied:
    [(began,)] = sql.fetch("SELECT clock_timestamp()")
    total, seen = Counter[str](), Counter[int]()
    with current_app.connection_for_read() as connection:
        for chunk in _chunks(connection):
            total.update(_sort(chunk, seen))
    # What was read and not acknowledged went back to its place with the connection.
    rows = ({"id": letter, "seen": count} for letter, count in seen.items())
    sql.run(COUNTED, [sql.rows(rows), began])
    return Tidied(total["taken"], total["recorded"], total["left"])


class Lying(NamedTuple):
    """A message as it lies in the queue, and the letters that it holds."""

    message: Any
    wire: Wire
    keys: list[Key]

    @classmethod
    def of(cls, message: Any) -> "Lying":
        body = message.body
        raw = body.encode() if isinstance(body, str) else bytes(body)
        told = message.properties
        headers, priority = message.headers or {}, told.get("priority") or NORMAL
        number = told.get("correlation_id") or ""
        wire = Wire("", raw, headers, priority, False, correlation_id=number)
        return cls(message, wire, recording.identities(wire))


def _chunks(connection: Any) -> Iterator[list[Lying]]:
    """Yield what lay in the queue as we came; raises TimeoutError if others have it."""
    channel = connection.default_channel
    left = _depth(connection, DEAD_LETTER_QUEUE)
    arrived: list[Any] = []
    if left:
        channel.basic_consume(DEAD_LETTER_QUEUE.name, callback=arrived.append)
    while left > 0:
        while len(arrived) < min(left, CHUNK):
            connection.drain_events(timeout=SILENCE)
        chunk, arrived[:] = arrived[:CHUNK], arrived[CHUNK:]
        left -= len(chunk)
        yield [Lying.of(message) for message in chunk]


def _depth(connection: Any, queue: Queue) -> int:
    declared: Any = queue(connection.default_channel).queue_declare(passive=True)
    return int(declared.message_count)


def _sort(chunk: Sequence[Lying], seen: Counter[int]) -> Iterator[str]:
    """Yield what became of each message; count those that stay, by their letter."""
    letters = _find(chunk)
    for one in chunk:
        found = [letters.get(key) for key in one.keys]
        if None in found:
            yield "recorded" if recording.record(one.wire) else "left"
        elif any(letter and letter.is_open for letter in found):
            seen[_holder(found)] += 1
            yield "left"
        else:
            sql.run(TAKEN, [_holder(found)])
            one.message.channel.basic_ack(one.message.delivery_tag)
            yield "taken"


def _holder(found: Sequence[Found | None]) -> int:
    # The first of a message's letters counts its copy: see recording.
    first = found[0]
    return first.id if first else 0


def _find(chunk: Sequence[Lying]) -> dict[Key, Found]:
    keys = [key for one in chunk for key in one.keys]
    rows = sql.fetch(FIND, [[key[0] for key in keys], [key[1] for key in keys]])
    return {(queue, name): Found(*rest) for queue, name, *rest in rows}
