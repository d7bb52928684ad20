"""From a message in dead.desk.queue to its row: what it is, and what killed it.

Whatever the message holds, a row comes of it: only text is taken for granted.
"""

import hashlib
import logging
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import msgspec
from django.conf import settings
from django.db import DataError, transaction

from orders_project.database import sql
from orders_project.messaging import envelope
from orders_project.messaging.errors import Poison
from orders_project.messaging.topology import DEAD_DESK_QUEUE
from orders_project.messaging.wire import Wire

logger = logging.getLogger(__name__)

#: Before these, ids of messages that came without one.
NAMESPACE = UUID("5f0f6a52-6d0a-5d0e-9a0b-2f9d3f5d8a10")
FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
CORE = ("orders_project/messaging/", "orders_project/database/")
#: Of a queue, by AMQP.
MAX_NAME = 255
MAX_COUNT = 1_000_000

# The same message twice, after a worker that died before its acknowledgement.
ONCE = """
    INSERT INTO messaging_inbox (queue, event_id) VALUES (%s, %s)
    ON CONFLICT DO NOTHING
"""
COLUMNS = """
    queue, identity, kind, type, event_id, order_id, priority, reason, exception, error,
    place, cause, traceback, attempts, deaths, copies, first_failure, last_failure,
    headers
"""
# What died again keeps its body: somebody may have mended it.
RECORD = f"""
    INSERT INTO messaging_deadletter AS d ({COLUMNS}, body, status)
    SELECT {COLUMNS}, decode(body, 'base64'), 'open'
    FROM jsonb_to_recordset(%s) AS l(queue text, identity text, kind text, type text,
        event_id uuid, order_id uuid, priority smallint, reason text, exception text,
        error text, place text, cause text, traceback text, attempts int, deaths int,
        copies int, first_failure timestamptz, last_failure timestamptz, headers jsonb,
        body text)
    ORDER BY queue, identity
    ON CONFLICT (queue, identity) DO UPDATE SET
        (status, since, reason, exception, error, place, cause, traceback, priority,
            headers, attempts, deaths, copies, last_failure)
        = ROW('open', now(), excluded.reason, excluded.exception, excluded.error,
            excluded.place, excluded.cause, excluded.traceback, excluded.priority,
            excluded.headers, d.attempts + excluded.attempts, d.deaths + 1,
            d.copies + excluded.copies, excluded.last_failure)
    RETURNING id, deaths, reason
"""
DIED_AGAIN = """
    INSERT INTO messaging_deadletteraction (letter_id, who, what, why, change)
    SELECT id, 'worker', 'died', why, ''
    FROM jsonb_to_recordset(%s) AS r(id bigint, why text)
"""


class Body(NamedTuple):
    """One thing that died. `identity` is the same however often it dies in a queue."""

    kind: str
    identity: str
    type: str
    event_id: str | None
    order_id: str | None
    raw: bytes


def record(wire: Wire) -> bool:
    """Put a dead message on the desk; False when this very message is there already.

    Or when it holds what PostgreSQL does not take: the log says what, and the original
    stays in dead.letter.queue.
    """
    try:
        return _record(wire)
    except DataError:
        logger.exception("A dead message cannot be shown on the desk")
        return False


@transaction.atomic
def _record(wire: Wire) -> bool:
    headers = clean(dict(wire.headers))
    if not sql.run(ONCE, [DEAD_DESK_QUEUE.name, _number(wire, headers)]):
        return False
    rows = sql.fetch(RECORD, [sql.rows(_rows(wire, headers))])
    again = [{"id": row, "why": why} for row, deaths, why in rows if deaths > 1]
    if again:
        sql.run(DIED_AGAIN, [sql.rows(again)])
    return True


def identities(wire: Wire) -> list[tuple[str, str]]:
    """Return the (queue, identity) of every letter that this message holds."""
    queue = queue_of(clean(dict(wire.headers)))
    return [(queue, one.identity) for one in bodies(wire)]


def bodies(wire: Wire) -> list[Body]:
    """Return what a dead message holds: one event, one step, or nobody knows what.

    A message that the broker itself parked may hold many events.
    """
    if "task" in wire.headers:
        found = [_step(clean(str(wire.headers["task"])), wire.body)]
    else:
        found = [_event(part) for part in _parts(wire.body)]
    return list({one.identity: one for one in found}.values())


def _parts(body: bytes) -> list[bytes]:
    try:
        return envelope.split(body) or [body]
    except Poison:
        return [body]


def _event(raw: bytes) -> Body:
    seen = envelope.unread(raw)
    event, order = _uuid(seen.id), _uuid(seen.subject)
    named = clean(seen.type)
    if event and order and seen.type and _is_json(raw):
        return Body("event", event, named, event, order, raw)
    return Body("raw", _digest(raw), named, event, order, raw)


def _step(task: str, body: bytes) -> Body:
    try:
        (ids, *_), *_ = msgspec.json.decode(body, type=tuple[list[Any], Any, Any])
        names = msgspec.convert(ids, list[str])
    except (*envelope.UNREADABLE, ValueError):
        return Body("raw", _digest(body), task, None, None, body)
    order = _uuid(names[0]) if len(names) == 1 else None
    identity = clean(f"{task} {', '.join(names)}")
    # An index takes no text of any length.
    short = identity if len(identity) <= MAX_NAME else _digest(identity.encode())
    return Body("step", short, task, None, order, body)


def _is_json(raw: bytes) -> bool:
    # To the last byte: what was only glanced at may hold bytes that are no text.
    try:
        msgspec.json.decode(raw)
    except envelope.UNREADABLE:
        return False
    return True


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _uuid(text: str) -> str | None:
    try:
        return str(msgspec.convert(text, UUID))
    except msgspec.ValidationError:
        return None


# ---- what killed it
def _rows(wire: Wire, headers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    death = _death(headers)
    for index, one in enumerate(bodies(wire)):
        yield death | {
            "identity": one.identity,
            "kind": one.kind,
            "type": one.type,
            "event_id": one.event_id,
            "order_id": one.order_id,
            "priority": wire.priority,
            "deaths": 1,
            # The message lies in the queue once, however many it holds.
            "copies": int(index == 0),
            "headers": _kept(headers),
            "body": b64encode(one.raw).decode(),
        }


def _death(headers: Mapping[str, Any]) -> dict[str, Any]:
    trace, exception = _text(headers, "x-traceback"), _text(headers, "x-exception")
    queue, place = queue_of(headers), place_of(trace)
    error = exception.partition(":")[0]
    broker = f"The broker parked it: {_x_death(headers).get('reason', 'no reason')}"
    return {
        "queue": queue,
        "reason": _text(headers, "x-reason") or broker,
        "exception": exception,
        "error": error,
        "place": place,
        "cause": cause_of(queue, error, place),
        "traceback": trace,
        "attempts": _count(headers.get("x-attempts")),
        "first_failure": _time(headers.get("x-first-failure")),
        "last_failure": _time(headers.get("x-last-failure")),
    }


def queue_of(headers: Mapping[str, Any]) -> str:
    queue = _text(headers, "x-queue") or str(_x_death(headers).get("queue", ""))
    return queue[:MAX_NAME]


def cause_of(queue: str, error: str, place: str) -> str:
    """Name a group of letters: what fails alike in one queue at one place."""
    return hashlib.sha256(f"{queue}|{error}|{place}".encode()).hexdigest()[:8]


def place_of(trace: str) -> str:
    """Return the innermost line of an app in a traceback, or else of the core.

    A library's line, or that of our hand for SQL, would throw all causes together.
    """
    ours = [place for frame in FRAME.findall(trace) if (place := _ours(*frame))]
    apps = [place for place in ours if not place.startswith(CORE)]
    return (apps or ours or [""])[-1]


def _ours(path: str, line: str, function: str) -> str:
    inside = path.removeprefix(f"{settings.BASE_DIR}/")
    if inside == path or "site-packages" in path:
        return ""
    return f"{inside}:{line} {function}"


# ---- headers, which anybody may have written
def clean(value: Any) -> Any:
    """Make what a header holds fit for JSON, and for PostgreSQL, which takes no NUL."""
    if isinstance(value, Mapping):
        return {clean(str(name)): clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    whole = text.encode(errors="replace").decode()
    return whole.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a replay needs: Celery's own headers, and none about the death."""
    told = {"CC", "BCC"}
    return {
        name: value
        for name, value in headers.items()
        if name not in told and not name.startswith("x-")
    }


def _number(wire: Wire, headers: Mapping[str, Any]) -> str:
    """Return the id of this death; two of one message are two."""
    if letter := _uuid(_text(headers, "x-letter")):
        return letter
    when = f"{queue_of(headers)} {_x_death(headers).get('time')} {wire.correlation_id}"
    return str(uuid5(NAMESPACE, f"{when} {_digest(wire.body)}"))


def _x_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    deaths = headers.get("x-death")
    first: Any = deaths[0] if isinstance(deaths, Sequence) and deaths else {}
    return first if isinstance(first, Mapping) else {}


def _text(headers: Mapping[str, Any], name: str) -> str:
    return str(headers.get(name) or "")


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value < MAX_COUNT else 1


def _time(value: object) -> str | None:
    # In UTC: PostgreSQL does not take each offset that Python does.
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None
