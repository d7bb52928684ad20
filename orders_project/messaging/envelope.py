"""CloudEvents 1.0 to and from JSON: the only place that knows what is on the wire.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from orders_project.messaging.errors import Poison
from orders_project.messaging.events import EVENTS, NORMAL, URGENT, Event

BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
#: The most events in one message; how many make a batch of a worker is pace.py's. It
#: is no less than what is placed at once: of 500 orders a limit of 400 made two batches
#: at every stage, for an eighth more CPU (docs/adr/0003).
MAX_EVENTS = 500
#: Larger messages are parked unread: one of them would hold up all behind it.
MAX_BYTES = 1024 * 1024

ATTRIBUTES = frozenset(Event.__struct_fields__)
#: What msgspec raises of a text that is no JSON, no UTF-8, or nested too deep.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class CloudEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The attributes of CloudEvents, and our extensions causationid and priority."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    causationid: str | None = None
    traceparent: str | None = None
    # It goes on to all that follows, and AMQP has one byte for it: with a stranger's
    # 300 the relay would die of its parcel again and again.
    priority: Annotated[int, msgspec.Meta(ge=0, le=URGENT)] = NORMAL


class Written(NamedTuple):
    """An event, and the very text that its sender wrote."""

    event: Event
    text: str


class Glance(msgspec.Struct):
    """As much of an event as it takes to find its handler, and its place in the row."""

    type: str = ""
    #: Unchecked: of an event without a good one only itself is to be parked.
    subject: msgspec.Raw = msgspec.Raw(b"")


class Unread(msgspec.Struct):
    """What is known of an event that could not be decoded."""

    type: str = ""
    id: str = ""
    subject: str = ""


_UUIDS = re.compile("{0} {0}".format("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"))

_array = msgspec.json.Decoder(list[msgspec.Raw])
_cloud_event = msgspec.json.Decoder(CloudEvent)
_glances = msgspec.json.Decoder(list[Glance])
_unread = msgspec.json.Decoder(Unread)


def encode(event: Event) -> str:
    """Return the event as one JSON object, the text that log and broker keep."""
    fields = msgspec.structs.asdict(event)
    return msgspec.json.encode(
        CloudEvent(
            specversion="1.0",
            id=event.id,
            source=f"/{event.app()}",
            type=event.type,
            subject=event.order_id,
            time=event.time,
            dataschema=f"/schemas/{event.type}/{event.version}",
            data={k: v for k, v in fields.items() if k not in ATTRIBUTES},
            causationid=event.cause,
            traceparent=event.trace,
            priority=event.priority,
        )
    ).decode()


def batch(bodies: Sequence[str]) -> str:
    return f"[{','.join(bodies)}]"


def glance(body: bytes) -> list[Glance]:
    """Return what the events in a message are about, unchecked; raises Poison."""
    if len(body) > MAX_BYTES:
        raise Poison(f"The message has {len(body)} bytes; {MAX_BYTES} are allowed.")
    try:
        seen = _glances.decode(_as_array(body))
    except UNREADABLE as error:
        raise Poison(f"The message is not JSON with CloudEvents: {error}.") from error
    if not seen:
        raise Poison("The message is not JSON with CloudEvents: it is empty.")
    return seen


def split(body: bytes) -> list[bytes]:
    """Return the events of a message one by one, undecoded; raises Poison."""
    try:
        return [bytes(raw) for raw in _array.decode(_as_array(body))]
    except UNREADABLE as error:
        raise Poison(f"The message is no JSON: {error}.") from error


def _as_array(body: bytes) -> bytes:
    return body if body.lstrip()[:1] == b"[" else b"[" + body + b"]"


def read(raw: bytes) -> CloudEvent:
    """Return the attributes in one JSON object, its data unchecked; raises Poison."""
    try:
        return _cloud_event.decode(raw)
    except UNREADABLE as error:
        raise Poison(f"The message is not a CloudEvent: {error}.") from error


def decode(raw: bytes) -> Event:
    """Return the event in one JSON object; raises Poison with the reason in words."""
    seen = read(raw)
    kind = _known(seen)
    order_id, event_id = names(seen)
    try:
        return msgspec.convert(
            seen.data
            | {
                "order_id": order_id,
                "id": event_id,
                "time": seen.time,
                "cause": seen.causationid,
                "trace": seen.traceparent,
                "priority": seen.priority,
            },
            kind,
        )
    except msgspec.ValidationError as error:
        raise Poison(f"The data of {seen.type} is wrong: {error}.") from error


def _known(seen: CloudEvent) -> type[Event]:
    if seen.type not in EVENTS:
        raise Poison(f"The event type {seen.type!r} is unknown here.")
    kind = EVENTS[seen.type]
    version = seen.dataschema.rpartition("/")[2]
    if version != str(kind.version):
        raise Poison(
            f"{seen.type} has version {version!r}; this code reads {kind.version}."
        )
    return kind


def names(seen: CloudEvent) -> tuple[str, str]:
    """Return the ids of order and event in the spelling that PostgreSQL gives back.

    Raises Poison where they are none.
    """
    # Each event is decoded about thirty times: the usual spelling is one look for both.
    if _UUIDS.fullmatch(f"{seen.subject} {seen.id}"):
        return seen.subject, seen.id
    return _uuid("subject", seen.subject), _uuid("id", seen.id)


def _uuid(name: str, value: str) -> str:
    try:
        return str(msgspec.convert(value, UUID))
    except msgspec.ValidationError as error:
        what = "the order" if name == "subject" else "the event"
        raise Poison(f"{name!r} names {what} and must be a UUID: {value!r}.") from error


def unread(raw: bytes) -> Unread:
    """Return what can be read of a broken event, for the people who look after it."""
    try:
        return _unread.decode(raw)
    except UNREADABLE:
        return Unread()
