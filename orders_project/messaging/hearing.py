"""`@hears` and `@takes`: a function becomes the Celery task that a queue runs.

This is the pool's side: it gets a batch of messages, runs the handler in one
transaction, and settles what failed. How batches form is the business of worker/.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from celery import Task
from django.db import transaction
from kombu import Queue

from orders_project.messaging import deaths, envelope, inbox
from orders_project.messaging.crash import crash_point
from orders_project.messaging.desk import replays
from orders_project.messaging.errors import Outage, Poison, RetryLater
from orders_project.messaging.events import Event
from orders_project.messaging.guarding import as_task, has_no_time_left, path_of
from orders_project.messaging.outages import (
    drop_doubtful_connection,
    is_outage,
    may_pass,
)
from orders_project.messaging.settling import note_work, only_noted, park, settle
from orders_project.messaging.wire import Wire
from orders_project.messaging.worker import pace

Handler = Callable[[Sequence[Any]], object]


class Listener(NamedTuple):
    """Who handles an event type on a queue.

    Without `inbox` the handler's own rows are unique for each event; `as_written` it
    gets what its sender wrote.
    """

    task: str
    queue: str
    handler: Handler
    inbox: bool
    as_written: bool


class Heard(NamedTuple):
    """An event as it was written, and the message of many that it came in."""

    event: Event
    text: bytes
    message: Wire

    def written(self) -> envelope.Written:
        return envelope.Written(self.event, self.text.decode())

    def alone(self) -> Wire:
        """Return a message of this event only."""
        return self.message._replace(body=self.text)


#: (queue, event type) -> the listener. Printable, and all there is to know.
HEARS: dict[tuple[str, str], Listener] = {}
#: queue -> the task that takes its messages whole, whatever is in them.
WHOLE_MESSAGES: dict[str, str] = {}


def hears(
    *types: type[Event], on: Queue, inbox: bool = True, as_written: bool = False
) -> Callable[[Handler], Task]:
    """Have a function handle events that arrive on a queue, in batches.

    It runs in one transaction with its inbox rows; raise RetryLater for what must
    wait and Poison for what can never work. `inbox=False` is for handlers whose own
    rows are unique per event; with `as_written` it gets envelope.Written instead, of
    copies too.
    """

    def decorate(handler: Handler) -> Task:
        listener = Listener(path_of(handler), on.name, handler, inbox, as_written)
        HEARS.update({(on.name, kind.type): listener for kind in types})
        return as_task(run_batch, handler)

    return decorate


def takes(queue: Queue) -> Callable[[Callable[[Wire], object]], Task]:
    """Have a function take a queue's messages one by one, as raw as they came."""

    def decorate(handler: Callable[[Wire], object]) -> Task:
        def run(wires: Sequence[Sequence[Any]]) -> None:
            for wire in wires:
                handler(Wire(*wire))

        WHOLE_MESSAGES[queue.name] = path_of(handler)
        return as_task(run, handler)

    return decorate


def run_batch(wires: Sequence[Sequence[Any]]) -> str:
    """Handle every event of these messages; returns a line for Flower."""
    heard = list(_decode(Wire(*wire) for wire in wires))
    for listener, ones in _by_listener(heard).items():
        for chunk in _chunks(listener.queue, ones):
            _handle(listener, chunk)
    return f"{len(heard)} events"


def _by_listener(heard: Sequence[Heard]) -> dict[Listener, list[Heard]]:
    groups = defaultdict(list)
    for one in heard:
        # A binding may be wider than what the app cares for: the rest is let go.
        if listener := HEARS.get((one.message.queue, one.event.type)):
            groups[listener].append(one)
    return groups


def _decode(wires: Iterable[Wire]) -> Iterator[Heard]:
    for wire in wires:
        for text in _split(wire):
            try:
                yield Heard(envelope.decode(text), text, wire)
            except Poison as error:
                park(wire._replace(body=text), error)


def _split(wire: Wire) -> list[bytes]:
    try:
        return envelope.split(wire.body)
    except Poison as error:
        # Nested as deep as our own stack allowed when it was glanced at.
        park(wire, error)
        return []


def _chunks(queue: str, heard: Sequence[Heard]) -> Iterator[list[Heard]]:
    again = [one for one in heard if one.message.redelivered]
    fresh = [one for one in heard if not one.message.redelivered]
    yield from deaths.cut(fresh, pace.of(queue).events)
    if again:
        yield from deaths.in_parts(
            queue,
            again,
            id_of=lambda one: one.event.id,
            is_held=lambda one: bool(one.message.held),
            park=lambda one, error: park(one.alone(), error),
        )


def _handle(listener: Listener, chunk: list[Heard]) -> None:
    try:
        _in_one_transaction(listener, chunk)
        crash_point("hearing: committed, not acknowledged", listener.queue)
    except Exception as error:
        drop_doubtful_connection(error)
        if is_outage(error) or has_no_time_left(error, chunk):
            raise
        if may_pass(error, max(one.message.held for one in chunk)):
            raise Outage(f"The database is slow: {error}") from None
        for part in _without_the_culprit(chunk, error):
            _handle(listener, part)


def _without_the_culprit(chunk: list[Heard], error: Exception) -> Iterator[list[Heard]]:
    """Settle whom the error is about; yield the others, in batches to try again."""
    about = error.of if isinstance(error, RetryLater) else {}
    others = [one for one in chunk if one.event.order_id not in about]
    for one in chunk:
        if one.event.order_id in about:
            _settle(one, RetryLater(about[one.event.order_id]))
    if len(others) < len(chunk):
        yield from deaths.cut(others, len(chunk))
    elif len(chunk) > 1:
        yield from deaths.smaller(chunk)
    else:
        _settle(chunk[0], error)


def _settle(one: Heard, error: Exception) -> None:
    settle(one.alone(), error)
    if one.message.redelivered:
        with only_noted():
            # It failed, and killed nobody.
            deaths.forget(one.message.queue, [one.event.id])


@transaction.atomic
def _in_one_transaction(listener: Listener, chunk: Sequence[Heard]) -> None:
    events = [one.event for one in chunk]
    new = inbox.take_new(listener.queue, events) if listener.inbox else events
    if new:
        as_written = listener.as_written
        listener.handler([one.written() for one in chunk] if as_written else new)
    if any(one.message.redelivered for one in chunk):
        deaths.forget(listener.queue, [event.id for event in events])
    if any(replays.HEADER in one.message.headers for one in chunk):
        _note_replays(listener.queue, chunk, {event.id for event in new})
    if new:
        note_work(listener.queue, "handled", len(new))
    crash_point("hearing: before the commit", listener.queue)


def _note_replays(queue: str, chunk: Sequence[Heard], new: set[str]) -> None:
    marks = [(one.event.id in new, replays.mark(one.message.headers)) for one in chunk]
    replays.done(queue, *(mark for is_new, mark in marks if is_new))
    replays.applied(queue, *(mark for is_new, mark in marks if not is_new))
