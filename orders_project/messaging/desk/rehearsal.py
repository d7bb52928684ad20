"""The dry run: an event's handler really runs, in a transaction that is rolled back."""

import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction

from orders_project.database import sql
from orders_project.messaging import deaths, envelope, inbox, outbox
from orders_project.messaging.desk.selectors import masked
from orders_project.messaging.errors import MessagingError, Poison, RetryLater
from orders_project.messaging.hearing import HEARS, Listener
from orders_project.messaging.models import DeadLetter

WRITES = re.compile(r"(INSERT INTO|(?<!DO )(?<!FOR )UPDATE|DELETE FROM)\s+(\w+)")
#: People wait for it, and so do the rows that it locks.
LIMITS = "SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '10s'"
OWN = {"messaging_event", "messaging_parcel", "messaging_inbox"}


class NotRehearsedError(MessagingError):
    """A dry run is not to be had for this letter."""


class Rehearsal(NamedTuple):
    """What a replay would do: the verdict, events and tasks, and rows written."""

    verdict: str
    says: list[str]
    writes: list[str]
    trace: str = ""

    @property
    def works(self) -> bool:
        return not self.trace


class Notes:
    """Wrapped around every statement: notes what is written, and what is said."""

    def __init__(self) -> None:
        self.says: list[str] = []
        self.writes: list[str] = []

    def __call__(
        self, execute: Callable[..., Any], query: str, params: Any, *rest: Any
    ) -> Any:
        result = execute(query, params, *rest)
        self._note(query, params, rest[-1]["cursor"].rowcount)
        return result

    def _note(self, query: str, params: Any, rows: int) -> None:
        if query in SAYS:
            self.says += SAYS[query](*params)
        elif (found := WRITES.findall(query)) and rows > 0:
            verb, table = found[-1]
            if table not in OWN:
                self.writes.append(f"{verb.lower()} {table}: {rows} rows")


def _said(*given: str) -> Iterator[str]:
    _, _, types, _, _, bodies, parcels = given
    for kind, body in zip(types.split("\n"), bodies.split("\n"), strict=True):
        yield f"{kind} {masked(body)}"
    yield from _packed(parcels)


def _packed(parcels: str) -> Iterator[str]:
    return map(_parcel, msgspec.json.decode(parcels))


def _parcel(row: dict[str, Any]) -> str:
    if row.get("event_ids"):
        return f"parcel for {row['exchange']}: {row['routing_key']}"
    task = msgspec.json.decode(row["headers"])["task"]
    return f"task {task} on {row['exchange']}: {masked(row['body'])}"


#: What is said by the parameters of a statement.
SAYS: dict[str, Callable[..., Iterator[str]]] = {
    outbox.SAY: _said,
    outbox.PACK: _packed,
}


def rehearse(letter: DeadLetter) -> Rehearsal:
    """Run the letter's handler and roll everything back.

    Raises NotRehearsedError where that would not be harmless, or cannot be done.
    """
    listener = _listener(letter)
    notes = Notes()
    try:
        verdict = _run(listener, bytes(letter.body), notes)
    except Exception as error:  # noqa: BLE001 - whatever the handler raises
        trace = masked("".join(traceback.format_exception(error)))
        return Rehearsal(_failed(error), notes.says, notes.writes, trace)
    return Rehearsal(verdict, notes.says, notes.writes)


def _listener(letter: DeadLetter) -> Listener:
    if letter.kind == DeadLetter.Kind.STEP:
        raise NotRehearsedError(
            f"{letter.type} is a step of a chain: it may call a payment gateway, a "
            "carrier or a mail server, and no roll-back undoes that. A replay is "
            "safe: a step asks with the same key, and skips what is past it."
        )
    listener = HEARS.get((letter.queue, letter.type))
    if letter.kind == DeadLetter.Kind.RAW or not listener:
        raise NotRehearsedError(
            f"Nobody handles {letter.type or 'this'!r} on {letter.queue or 'no queue'}."
        )
    died = deaths.counts(letter.queue, [str(letter.event_id)])
    if died.get(str(letter.event_id), 0) >= deaths.DEADLY:
        raise NotRehearsedError(
            "It killed the workers that handled it, and would kill this process as "
            "well. Replay it to a worker that you can spare."
        )
    return listener


def _run(listener: Listener, body: bytes, notes: Notes) -> str:
    event = envelope.decode(body)
    with transaction.atomic():
        sql.run(LIMITS)
        handled = listener.inbox and not inbox.take_new(listener.queue, [event])
        if not handled:
            given = envelope.Written(event, body.decode())
            _handle(listener, given if listener.as_written else event, notes)
        transaction.set_rollback(True)
    if handled:
        return "The queue has handled this event meanwhile: nothing would happen."
    return "It would be handled."


def _handle(listener: Listener, given: object, notes: Notes) -> None:
    with connection.execute_wrapper(notes):
        listener.handler([given])


def _failed(error: Exception) -> str:
    becomes: dict[type[Exception], str] = {
        Poison: "It would die again at once",
        RetryLater: "It would have to wait, and be tried again later",
    }
    words = becomes.get(type(error), "It would fail, and die when it keeps failing")
    return masked(f"{words}: {type(error).__name__}: {error}")
