"""What a message in a worker's hand is: events, a step of a chain, or to be parked."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kombu.message import Message

from orders_project.messaging import envelope
from orders_project.messaging.desk import replays
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import EVENTS, NORMAL, new_id
from orders_project.messaging.hearing import HEARS, WHOLE_MESSAGES
from orders_project.messaging.settling import PARK
from orders_project.messaging.topology import BY_NAME
from orders_project.messaging.wire import Wire

#: A step with such a header has a story of its own: its attempts, a person's replay.
ALONE = {"x-attempt", replays.HEADER}


class Waiting(NamedTuple):
    """A message in hand: not yet run, not yet acknowledged.

    Messages of one task with the same `extra` run together. For events and letters
    it is what their task is called with beside them, for a step what follows it.
    `orders` are those that its events are about.
    """

    task: str
    message: Message
    wire: Wire
    events: int
    extra: tuple[str, ...] = ()
    orders: frozenset[bytes] = frozenset()

    def held(self) -> "Waiting":
        return self._replace(wire=self.wire._replace(held=self.wire.held + 1))


def sort_out(queue: str, message: Message) -> Waiting | None:
    """Find the task that a message is for; None when nobody here cares for it."""
    wire = wire_of(queue, message)
    try:
        return _sorted(queue, message, wire)
    except Exception as error:  # noqa: BLE001 - or it would end one worker after another
        reason = f"Nothing can be made of the message: {error!r}"
        return Waiting(PARK, message, wire, 1, (reason,))


def _sorted(queue: str, message: Message, wire: Wire) -> Waiting | None:
    if task := WHOLE_MESSAGES.get(queue):
        return Waiting(task, message, wire, 1)
    if (task := wire.headers.get("task")) and isinstance(task, str):
        return a_step(task, message, wire)
    try:
        return some_events(queue, message, wire)
    except Poison as error:
        return Waiting(PARK, message, wire, 1, (str(error),))


def some_events(queue: str, message: Message, wire: Wire) -> Waiting | None:
    seen = envelope.glance(wire.body)
    types = [one.type for one in seen]
    heard = [HEARS[queue, kind].task for kind in types if (queue, kind) in HEARS]
    if heard:
        orders = frozenset(bytes(one.subject) for one in seen)
        return Waiting(heard[0], message, wire, len(seen), orders=orders)
    if strange := [kind for kind in types if kind not in EVENTS]:
        raise Poison(f"The event type {strange[0]!r} is unknown here.")
    if queue in BY_NAME:
        raise Poison(f"This release does not hear {types[0]!r} on {queue}.")
    return None


def a_step(task: str, message: Message, wire: Wire) -> Waiting:
    try:
        ids, onward = what_it_does(*message.payload)
        # Celery makes no request without one, and its error would end the worker.
        message.headers["id"]
    except Exception as error:  # noqa: BLE001 - of any codec, or of no list
        reason = f"The message is no Celery task: {error!r}"
        return Waiting(PARK, message, wire, 1, (reason,))
    # What was in a worker that died is not to take others along.
    if ids and not wire.redelivered and ALONE.isdisjoint(wire.headers):
        return Waiting(task, message, wire, ids, (f"{wire.priority} {onward}",))
    return Waiting(task, message, wire, envelope.MAX_EVENTS, (new_id(),))


def what_it_does(
    args: Sequence[Any], kwargs: dict[str, Any], embed: dict[str, Any]
) -> tuple[int, str]:
    """Return for how many ids a step is, 0 if that is unclear, and what follows it."""
    given: Any = args[0] if len(args) == 1 else None
    clear = isinstance(given, list) and all(isinstance(one, str) for one in given)
    ids = len(given) if clear else 0
    chain = [(one["task"], one["args"], one["kwargs"]) for one in embed["chain"] or ()]
    return ids, repr((kwargs, chain))


def name_of(message: Message) -> str:
    """Name a message, so that it is known when it comes again."""
    given = (message.headers or {}).get("id") or message.properties.get("message_id")
    return str(given or id(message))


def wire_of(queue: str, message: Message) -> Wire:
    body: Any = message.body
    if not isinstance(body, bytes):
        body = bytes(body, "utf-8") if isinstance(body, str) else bytes(body)
    return Wire(
        queue,
        body,
        dict(message.headers or {}),
        int(message.properties.get("priority") or NORMAL),
        bool(message.delivery_info.get("redelivered")),
        message.properties.get("reply_to") or "",
        message.properties.get("correlation_id") or "",
    )
