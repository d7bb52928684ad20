"""What the desk shows: which letters, their causes, and what they are about."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils.text import capfirst

from orders_project.database import sql
from orders_project.messaging import envelope
from orders_project.messaging.events import PRIVATE
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.models import (
    DeadLetter,
    DeadLetterAction,
    Inbox,
    LoggedEvent,
)
from orders_project.messaging.steps import STEPS, queue_of

GROUPS = """
    SELECT g.cause, l.queue, l.error, l.place, l.reason, g.letters,
        o.first_failure, l.last_failure
    FROM (
        SELECT cause, count(*) AS letters, min(id) AS oldest, max(id) AS newest
        FROM messaging_deadletter WHERE status = 'open' GROUP BY cause
        ORDER BY 2 DESC, 1 LIMIT %s) AS g
    JOIN messaging_deadletter l ON l.id = g.newest
    JOIN messaging_deadletter o ON o.id = g.oldest
    ORDER BY g.letters DESC, g.cause
"""
MOST_GROUPS = 200
#: A personal field and its value, in JSON or what was meant to be.
PERSONAL = re.compile(rf'("(?:{"|".join(sorted(PRIVATE))})"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Group(NamedTuple):
    """Open letters of one cause: the same queue, exception and place."""

    cause: str
    queue: str
    error: str
    place: str
    reason: str
    letters: int
    first: Any
    last: Any


def groups() -> list[Group]:
    """Return the causes of the open letters, the most frequent first."""
    return [Group(*row) for row in sql.fetch(GROUPS, [MOST_GROUPS])]


def handlers() -> set[tuple[str, str]]:
    """Return every (queue, type) that somebody here would handle."""
    return {*HEARS, *((queue_of(task), task) for task in STEPS)}


def with_history(letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
    """Add the last thing that happened, and whether the queue has the event handled."""
    last = DeadLetterAction.objects.filter(letter=OuterRef("pk")).order_by("-id")
    inbox = Inbox.objects.filter(queue=OuterRef("queue"), event_id=OuterRef("event_id"))
    return letters.annotate(
        last_what=Subquery(last.values("what")[:1]),
        last_who=Subquery(last.values("who")[:1]),
        last_why=Subquery(last.values("why")[:1]),
        handled=Exists(inbox),
    )


def chosen(
    *,
    ids: Sequence[int] = (),
    group: str = "",
    queue: str = "",
    everything: bool = False,
) -> QuerySet[DeadLetter]:
    """Return these letters; without numbers only open ones."""
    if ids:
        return DeadLetter.objects.filter(pk__in=ids)
    wanted = {"cause": group, "queue": queue}
    named = {name: value for name, value in wanted.items() if value}
    if not named and not everything:
        return DeadLetter.objects.none()
    return DeadLetter.objects.filter(status=DeadLetter.Status.OPEN, **named)


def timeline(order_id: Any) -> QuerySet[LoggedEvent]:
    """Return what was said of an order, oldest first."""
    return LoggedEvent.objects.filter(order_id=order_id).order_by("time", "id")


def pretty(body: bytes | memoryview) -> str:
    """Return a body as people read it: JSON in lines, anything else as it came."""
    raw = bytes(body)
    try:
        return msgspec.json.format(raw, indent=2).decode()
    except envelope.UNREADABLE:
        return raw.decode(errors="backslashreplace")


def masked(text: str) -> str:
    """Return a text without the personal data of the events in it."""
    return PERSONAL.sub(r'\1"***"', text)


def data_of(letter: DeadLetter) -> str:
    """Return the data of a letter's event, in lines; the rest of it is its identity."""
    event = msgspec.json.decode(bytes(letter.body))
    return pretty(msgspec.json.encode(event.get("data", {})))


def since(letter: Any) -> str:
    """Say what became of a letter of `with_history`, in a few words."""
    if letter.status == DeadLetter.Status.OPEN and letter.handled:
        return "its queue has handled it meanwhile"
    if not letter.last_what:
        return ""
    what = capfirst(DeadLetterAction.What(letter.last_what).label)
    who = "" if letter.last_who == "worker" else f" by {letter.last_who}"
    return f"{what}{who}: {letter.last_why}".removesuffix(": ")
