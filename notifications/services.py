"""Noting what is to be sent. Cheap, because it happens as events are heard: rows only.

Sending them is delivery.py's business, and may lag behind.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from celery import signature
from django.conf import settings
from django.db import transaction

from notifications import wording
from notifications.lifecycle import PENDING, WITHDRAWN
from orders_project.database import sql
from orders_project.messaging import nudging, outbox
from orders_project.messaging.events import (
    Event,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderPaid,
    OrderShipped,
)

EMAIL, SMS = "email", "sms"
#: Channel -> the field of Recipient that it writes to.
ADDRESSES: Mapping[str, str] = {EMAIL: "email", SMS: "phone"}
COD = "cod"
NO_ADDRESS = "The order came without an address for this channel."

MILESTONES: Mapping[type[Event], str] = {
    OrderCreated: wording.CREATED,
    OrderPaid: wording.PAID,
    OrderShipped: wording.SHIPPED,
    OrderCompleted: wording.COMPLETED,
    OrderCancelled: wording.CANCELLED,
}
#: Event type -> the field of it that the message tells.
DETAILS: Mapping[type[Event], str] = {
    OrderShipped: "tracking",
    OrderCancelled: "reason",
}

# KNOW and NOTE take their locks in the order of their keys, and always one after the
# other, so that no two workers wait for each other.
KNOW = """
    INSERT INTO notifications_recipient
        (order_id, email, phone, total_cents, currency, lines)
    SELECT order_id, email, phone, total_cents, currency, lines
    FROM jsonb_to_recordset(%s) AS r(order_id uuid, email text, phone text,
        total_cents bigint, currency text, lines jsonb)
    ORDER BY order_id
    ON CONFLICT DO NOTHING RETURNING order_id::text
"""
# What sweeping.py has put off for want of the address is due again; nothing else is due
# later after its noting than a confirmation. Its locks have no order, and are of both
# channels: so it comes last, and skips who is locked, to wait for nobody.
# Without CASE the planner may read the index of all that is pending, for each order
# anew: right after the start it believes that next to nothing is.
DUE_AGAIN = """
    WITH waiting AS (
        SELECT id FROM notifications_notification n
        WHERE order_id = ANY(%s::uuid[]) AND CASE n.status WHEN 'pending' THEN
            n.due > n.changed + make_interval(secs => %s) END
        FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications_notification n SET due = n.changed
    FROM waiting WHERE n.id = waiting.id
"""
# Who left no address for the channel is skipped here, as far as known already: a row
# that waits costs three times one that does not. A withdrawn row stays as a tombstone:
# an order.paid that comes after the cancellation finds it, and notes no confirmation.
# Nor does that of cash on delivery, which comes when all is over.
NOTE = """
    INSERT INTO notifications_notification AS n
        (order_id, milestone, channel, status, due, detail, reason)
    SELECT order_id, milestone, %s,
        CASE WHEN skip THEN 'skipped' ELSE coalesce(status, 'pending') END,
        statement_timestamp() + make_interval(secs => coalesce(after, 0)),
        coalesce(detail, ''),
        CASE WHEN skip THEN %s ELSE coalesce(reason, '') END
    FROM jsonb_to_recordset(%s) AS r(order_id uuid, milestone text, status text,
        after int, detail text, reason text)
    LEFT JOIN notifications_recipient AS k USING (order_id)
    CROSS JOIN LATERAL (SELECT coalesce(k.{address} = '', false)
        AND status IS NULL AS skip) AS known
    ORDER BY order_id, milestone
    ON CONFLICT (order_id, milestone, channel) DO UPDATE
        SET status = excluded.status, reason = excluded.reason,
            changed = statement_timestamp()
        WHERE excluded.status = 'withdrawn' AND n.status IN ('pending', 'failed')
    RETURNING n.status, n.milestone
"""
#: Of a row n: it would confirm what the customer was told is cancelled.
CALLED_OFF = """
    (n.milestone = 'confirmed' AND EXISTS (
        SELECT FROM notifications_notification c
        WHERE c.order_id = n.order_id AND c.channel = n.channel
            AND c.milestone = 'cancelled'))
"""
#: After a day without a mail server a hundred thousand failed: in one transaction they
#: would take the memory of all of them, and any death would undo it.
LOT = 10_000
# What a living worker has in hand is settled within seconds, by its time limit.
SEND_AGAIN = f"""
    WITH lost AS (
        SELECT id FROM notifications_notification n
        WHERE {{which}} AND (status = 'failed' OR status = 'sending'
            AND changed < statement_timestamp() - interval '5 minutes')
            AND NOT {CALLED_OFF}
        ORDER BY order_id, milestone, channel LIMIT {{most}} FOR UPDATE
    )
    UPDATE notifications_notification n
    SET status = 'pending', due = statement_timestamp(), attempts = 0, reason = '',
        changed = statement_timestamp()
    FROM lost WHERE n.id = lost.id
    RETURNING n.channel, n.milestone, n.order_id::text
"""
BY_NUMBER = SEND_AGAIN.format(which="id = ANY(%s)", most="ALL")
BY_ORDER = SEND_AGAIN.format(which="order_id = ANY(%s::uuid[])", most="ALL")
#: What fails once more meanwhile is left for another time, or there would be no end.
ALL = SEND_AGAIN.format(which="changed < %s", most=LOT)


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message to come, `after` so many seconds. NOTE knows the defaults, too.

    By the server's clock: that of whoever said the event may be wrong.
    """

    order_id: str
    milestone: str
    status: str = PENDING
    after: int = 0
    detail: str = ""
    reason: str = ""


def note(channel: str, events: Sequence[Event]) -> None:
    """Note one message for each milestone, and have what is new delivered."""
    created = [event for event in events if isinstance(event, OrderCreated)]
    known = learn_recipients(created)
    # By key, because one statement cannot touch a row twice. The last one wins: that
    # is the withdrawal, when an order was paid and cancelled in the same batch.
    notes = {(note.order_id, note.milestone): note for note in _notes(events)}
    query = NOTE.format(address=ADDRESSES[channel])
    params = [channel, NO_ADDRESS, sql.rows(notes.values())]
    new = {name for status, name in sql.fetch(query, params) if status == PENDING}
    if known:
        sql.run(DUE_AGAIN, [known, settings.CONFIRMATION_DELAY_SECONDS])
    if new - {wording.CONFIRMED}:
        wake(channel)
    if wording.CONFIRMED in new:
        wake(channel, after=settings.CONFIRMATION_DELAY_SECONDS)


def learn_recipients(created: Sequence[OrderCreated]) -> list[str]:
    """Keep whom to write to; return the orders of which it was not known.

    Later events may have been heard before this one.
    """
    if not created:
        return []
    rows = sql.rows(_recipient(event) for event in created)
    return [order_id for (order_id,) in sql.fetch(KNOW, [rows])]


def send_numbers_again(ids: Sequence[int], *, by: str) -> int:
    """Have what failed, or was in the hands of a worker that died, sent once more.

    It may have gone out before: that is for a person to decide, and is noted on the
    order's timeline. Returns how many.
    """
    return _send_again(BY_NUMBER, [*ids], by=by)


def send_orders_again(ids: Sequence[str], *, by: str) -> int:
    """Do the same for all that failed of some orders."""
    return _send_again(BY_ORDER, [*ids], by=by)


def send_all_again(*, by: str) -> Iterator[int]:
    """Do the same for all that failed until now; yield how many, lot by lot."""
    [(began,)] = sql.fetch("SELECT statement_timestamp()")
    while count := _send_again(ALL, began, by=by):
        yield count


@transaction.atomic
def _send_again(query: str, which: object, *, by: str) -> int:
    found = sql.fetch(query, [which])
    nudging.note(
        ((f"{milestone} by {channel}", order) for channel, milestone, order in found),
        by=by,
    )
    for channel in sorted({channel for channel, *_ in found}):
        wake(channel)
    return len(found)


def wake(channel: str, *, after: float = 0) -> None:
    """Have a channel's pending messages sent `after` seconds after the commit."""
    deliver = signature("notifications.tasks.deliver", args=([channel],))
    outbox.send_task(deliver, after=after)


def _recipient(event: OrderCreated) -> dict[str, Any]:
    return {
        "order_id": event.order_id,
        "email": event.email,
        "phone": event.phone,
        "total_cents": event.total_cents,
        "currency": event.currency,
        "lines": event.lines,
    }


def _notes(events: Sequence[Event]) -> Iterator[Note]:
    delay = settings.CONFIRMATION_DELAY_SECONDS
    for event in events:
        detail = getattr(event, DETAILS.get(type(event), ""), "")
        yield Note(event.order_id, MILESTONES[type(event)], detail=detail)
        if isinstance(event, OrderPaid):
            yield Note(event.order_id, wording.CONFIRMED, after=delay)
    for event in events:
        if reason := _why_not_confirmed(event):
            yield Note(event.order_id, wording.CONFIRMED, WITHDRAWN, reason=reason)


def _why_not_confirmed(event: Event) -> str:
    if isinstance(event, OrderCancelled):
        return "The order was cancelled."
    if isinstance(event, OrderCreated) and event.method == COD:
        return "It is paid at the door: nothing is left to confirm."
    return ""
