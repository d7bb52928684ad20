"""What people do with dead letters: replay, discard, edit. Each with who and why.

Set-based: a group of ten thousand takes as many statements as one letter.
"""

import difflib
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from orders_project.database import sql
from orders_project.messaging import deaths, envelope, outbox
from orders_project.messaging.desk import selectors
from orders_project.messaging.errors import MessagingError, Poison
from orders_project.messaging.events import EVENTS
from orders_project.messaging.models import DeadLetter, DeadLetterAction

Status, What = DeadLetter.Status, DeadLetterAction.What

#: Longer than all retry rungs together: a replay that took this long was lost.
PATIENCE = timedelta(hours=1)
#: AMQP takes 255 bytes; Celery's own is a UUID.
MAX_ID = 60
LOST = Q(status=Status.REPLAYING, since__lt=Now() - PATIENCE)
DISCARDABLE = Q(status=Status.OPEN) | LOST

APPLIED = """
    SELECT d.id FROM messaging_deadletter d
    JOIN messaging_inbox i ON i.queue = d.queue AND i.event_id = d.event_id
    WHERE d.id = ANY(%s)
"""
SENDABLE = """
    SELECT d.id FROM messaging_deadletter d
    JOIN unnest(%s::text[], %s::text[]) AS known (queue, type) USING (queue, type)
    WHERE d.id = ANY(%s) AND d.kind <> 'raw' ORDER BY d.id
"""
# By the queue's own name through the default exchange: nobody else hears it.
SEND = f"""
    INSERT INTO messaging_parcel
        (exchange, routing_key, priority, headers, properties, body)
    SELECT '', queue, priority, (headers || jsonb_build_object('x-replay', id))::text,
        jsonb_strip_nulls(jsonb_build_object(
            'content_type', CASE kind WHEN 'step' THEN 'application/json'
                ELSE '{envelope.SINGLE}' END,
            'content_encoding', 'utf-8',
            'correlation_id', left(headers ->> 'id', {MAX_ID})))::text,
        convert_from(body, 'UTF8')
    FROM messaging_deadletter WHERE id = ANY(%s) ORDER BY priority DESC, id
"""
DEATHS = """
    SELECT queue, kind, coalesce(event_id::text, identity) FROM messaging_deadletter
    WHERE id = ANY(%s) AND (kind = 'step' OR event_id IS NOT NULL)
"""
MOVE = "UPDATE messaging_deadletter SET status = %s, since = now() WHERE id = ANY(%s)"
NOTE = """
    INSERT INTO messaging_deadletteraction (letter_id, who, what, why, change)
    SELECT id, %s, %s, %s, %s FROM unnest(%s::bigint[]) AS id ORDER BY id
"""


class EditError(MessagingError):
    """The change was refused; the text names the field."""


class Replay(NamedTuple):
    """What came of pressing replay: how many letters of which kind."""

    started: int = 0
    applied: int = 0
    refused: int = 0
    passed_over: int = 0

    def __str__(self) -> str:
        told = {
            "on their way to their queue": self.started,
            "were handled meanwhile, and nothing was sent": self.applied,
            "cannot be replayed: nobody handles their type on their queue, or they "
            "are no events": self.refused,
            "passed over: on their way already, or settled": self.passed_over,
        }
        parts = [f"{count} {words}" for words, count in told.items() if count]
        return "; ".join(parts) or "there was nothing to replay"


@transaction.atomic
def replay(letters: QuerySet[DeadLetter], *, who: str, why: str) -> Replay:
    """Send letters to their queues once more, each to the one it died in.

    Whoever presses second finds them moved, and starts nothing. A letter that its
    queue has handled meanwhile is settled without being sent.
    """
    total = letters.count()
    ids = _lock(letters, Q(status__in=(Status.OPEN, Status.DISCARDED)) | LOST)
    applied = [one for (one,) in sql.fetch(APPLIED, [ids])]
    left = sorted(set(ids) - set(applied))
    queues, types = zip(*selectors.handlers(), strict=True)
    sendable = sql.fetch(SENDABLE, [list(queues), list(types), left])
    started = [one for (one,) in sendable]
    _move(applied, Status.APPLIED, What.APPLIED, who, why)
    _move(started, Status.REPLAYING, What.REPLAYED, who, why)
    _send(started)
    return Replay(
        len(started), len(applied), len(left) - len(started), total - len(ids)
    )


@transaction.atomic
def discard(letters: QuerySet[DeadLetter], *, who: str, why: str) -> int:
    """Settle letters without replaying them; returns how many were open."""
    ids = _lock(letters, DISCARDABLE)
    _move(ids, Status.DISCARDED, What.DISCARDED, who, why)
    return len(ids)


def _lock(letters: QuerySet[DeadLetter], movable: Q) -> list[int]:
    wanted = letters.filter(movable).order_by("pk").values_list("pk", flat=True)
    return list(wanted.select_for_update(of=("self",), no_key=True))


def _move(ids: Sequence[int], status: str, what: str, who: str, why: str) -> None:
    if ids:
        sql.run(MOVE, [status, list(ids)])
        sql.run(NOTE, [who, what, why, "", list(ids)])


def _send(ids: Sequence[int]) -> None:
    if ids:
        _forget_deaths(ids)
        sql.run(SEND, [list(ids)])
        outbox.wake_after_commit()


def _forget_deaths(ids: Sequence[int]) -> None:
    # Or the first redelivery would count as the fifth, and park it unread.
    killed = defaultdict(list)
    for queue, kind, identity in sql.fetch(DEATHS, [list(ids)]):
        step = kind == DeadLetter.Kind.STEP
        killed[queue].append(deaths.key_of(identity) if step else identity)
    for queue, keys in killed.items():
        deaths.forget(queue, keys)


# ---- editing
def why_not_editable(letter: DeadLetter) -> str:
    """Say why a letter's data cannot be changed, or nothing."""
    if letter.kind == DeadLetter.Kind.STEP:
        return (
            "A step carries the ids of its orders and nothing else, and those are "
            "locked. Replay it, or discard it."
        )
    if letter.kind == DeadLetter.Kind.RAW:
        return (
            "This is no event that can be read, so it can be discarded only. If an "
            "order misses it, the log still has it whole: manage.py nudge ORDER"
        )
    if letter.type not in EVENTS:
        return f"The event type {letter.type!r} is unknown here: nothing can check it."
    if letter.status != Status.OPEN:
        return f"This letter is {letter.status}: only open ones can be edited."
    return ""


def version(letter: DeadLetter) -> str:
    """Name what the body is now, so that two people do not overwrite one another."""
    return hashlib.sha256(bytes(letter.body)).hexdigest()[:16]


@transaction.atomic
def edit(letter_id: int, data: str, *, seen: str, who: str, why: str) -> str:
    """Change the data of a letter's event; returns the change as a diff.

    Raises EditError with the field's name where the event's Struct refuses it.
    """
    letter = DeadLetter.objects.select_for_update(no_key=True).get(pk=letter_id)
    if reason := why_not_editable(letter):
        raise EditError(reason)
    if seen != version(letter):
        raise EditError("Somebody else has changed it meanwhile: look at it again.")
    before = bytes(letter.body)
    after = _changed(before, data)
    changed = diff(before, after)
    if changed:
        letter.original = letter.original or before
        letter.body = after
        letter.save(update_fields=("original", "body"))
        sql.run(NOTE, [who, What.EDITED, why, changed, [letter_id]])
    return changed


def _changed(before: bytes, text: str) -> bytes:
    event = msgspec.json.decode(before)
    data = _object(text)
    kind = EVENTS[event["type"]]
    fields = set(kind.__struct_fields__) - envelope.ATTRIBUTES
    old = event.get("data")
    known = fields | (set(old) if isinstance(old, dict) else set())
    if strange := sorted(data.keys() - known):
        names = ", ".join(sorted(fields)) or "no fields"
        raise EditError(f"{kind.type} has no field {strange[0]!r}; it has {names}.")
    after = msgspec.json.encode(event | {"data": data})
    try:
        envelope.decode(after)
    except Poison as error:
        raise EditError(str(error)) from error
    return after


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise EditError(f"The data must be one JSON object: {error}.") from error


def diff(before: bytes, after: bytes) -> str:
    """Return how two bodies differ, line by line; empty where they say the same."""
    old, new = (selectors.pretty(one).splitlines() for one in (before, after))
    return "\n".join(difflib.unified_diff(old, new, "before", "after", lineterm=""))


def change(letter: DeadLetter) -> str:
    """Return how a letter's body differs from what died."""
    return diff(bytes(letter.original), bytes(letter.body)) if letter.original else ""
