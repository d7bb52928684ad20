"""Sending what was noted: claim a chunk, send it with no transaction open, settle it.

At most once, rather than at least once: a message is claimed before it is sent, and
never sent again once it may have gone out. Only what surely was not taken goes back to
pending, to be tried after 5 s, 30 s, 2 min and 10 min: the channel was not reached, or
said that it would not take it now.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

import msgspec
from django.db import transaction

from notifications.channels.email import Email
from notifications.channels.port import (
    Channel,
    Letter,
    NotNowError,
    UnreachableError,
)
from notifications.channels.sms import TextMessage
from notifications.lifecycle import FAILED, PENDING, SENDING, SENT, SKIPPED
from notifications.services import (
    ADDRESSES,
    CALLED_OFF,
    EMAIL,
    NO_ADDRESS,
    SMS,
    wake,
)
from orders_project.database import sql
from orders_project.messaging import leaving
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import Line
from orders_project.messaging.settling import note_work
from orders_project.messaging.topology import NOTIFICATION_TASKS, RUNGS

CHANNELS: Mapping[str, type[Channel]] = {EMAIL: Email, SMS: TextMessage}

#: Letters in a chunk, at first and at most: as many as are sent in so many seconds.
#: What a process has claimed stays `sending` when it is killed, be it begun or not.
FIRST, MOST, CHUNK_SECONDS = 5, 100, 0.5
#: For each channel, since a worker merges their steps into one: a process that is told
#: to stop is cut off after leaving.SECONDS. That leaves 2 s for the letters begun last;
#: what was not begun by then is left to another task.
SECONDS = (leaving.SECONDS - 2) / len(CHANNELS)
#: Characters of a reason: some answer a page of HTML.
LONGEST_REASON = 1_000

# The join leaves out whose order.created was not heard yet: hearing it wakes us again,
# and sweeping.py puts off for whom it does not come.
# In the index's order alone: sorting would read the whole backlog for each chunk.
CLAIM = """
    WITH claimed AS (
        SELECT n.id FROM notifications_notification n
        JOIN notifications_recipient r USING (order_id)
        WHERE n.channel = %s AND n.status = 'pending'
            AND n.due <= statement_timestamp()
        ORDER BY n.due LIMIT %s FOR UPDATE OF n SKIP LOCKED
    )
    UPDATE notifications_notification n
    SET status = %s, changed = statement_timestamp()
    FROM claimed, notifications_recipient r
    WHERE n.id = claimed.id AND r.order_id = n.order_id
    RETURNING n.id, n.order_id::text, n.milestone, n.detail, n.attempts,
        r.{address} AS address, r.total_cents, r.currency, r.lines::text
"""
LOCK = """
    SELECT id FROM notifications_notification WHERE id = ANY(%s)
    ORDER BY order_id, milestone FOR UPDATE
"""
# A cancellation that was heard while we were sending found nothing pending to withdraw.
SETTLE = f"""
    UPDATE notifications_notification n
    SET status = CASE
            WHEN o.status = 'pending' AND {CALLED_OFF} THEN 'withdrawn'
            ELSE o.status END,
        reason = o.reason, attempts = o.attempts,
        due = coalesce(statement_timestamp() + make_interval(secs => o.after), n.due),
        changed = statement_timestamp()
    FROM jsonb_to_recordset(%s)
        AS o(id bigint, status text, reason text, attempts smallint, after int)
    WHERE n.id = o.id AND n.status = %s
"""

_lines = msgspec.json.Decoder(tuple[Line, ...])


class Outcome(NamedTuple):
    """What became of a letter, and after how many seconds to try it once more."""

    id: int
    status: str
    reason: str
    attempts: int
    after: int | None = None


def deliver(channel: str) -> int:
    """Send what is due on a channel, chunk by chunk; returns how many were claimed."""
    # Before the claim: where it cannot be made, nothing may be taken for perhaps sent.
    way = CHANNELS[channel]()
    end, claimed, size = monotonic() + SECONDS, 0, FIRST
    try:
        while letters := claim(channel, size):
            claimed, began = claimed + len(letters), monotonic()
            crash_point("notifications: claimed, not sent")
            outcomes = list(attempt(way, letters, end))
            settle(channel, outcomes)
            # A step for each chunk would bring 500 letters a second, however fast they
            # are sent: their task rests after each (worker/pace.py).
            if len(letters) < size or any(one.status == PENDING for one in outcomes):
                break
            size = _next_size(size, monotonic() - began)
    finally:
        way.close()
    return claimed


def _next_size(size: int, seconds: float) -> int:
    per_second = size / max(seconds, 0.001)
    return max(1, min(MOST, int(per_second * CHUNK_SECONDS)))


@transaction.atomic
def claim(channel: str, size: int) -> list[Letter]:
    """Take what is due, so that no other worker does; a full chunk wakes another."""
    rows = sql.fetch(CLAIM.format(address=ADDRESSES[channel]), [channel, size, SENDING])
    if len(rows) == size:
        wake(channel)
    return [Letter._make((*facts, _lines.decode(last))) for *facts, last in rows]


def attempt(way: Channel, letters: Sequence[Letter], end: float) -> Iterator[Outcome]:
    """Yield what becomes of each letter; a channel that is not there ends the chunk.

    What is not begun by `end`, in monotonic seconds, stays pending.
    """
    for number, letter in enumerate(letters):
        if monotonic() > end:
            yield from (_not_begun(left) for left in letters[number:])
            return
        try:
            yield _send(way, letter)
        except UnreachableError as error:
            why = _told(error, letter)
            yield from (_later(left, why) for left in letters[number:])
            return


@transaction.atomic
def settle(channel: str, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of the letters, and wake up again for the pending ones."""
    again = [outcome for outcome in outcomes if outcome.status == PENDING]
    sql.fetch(LOCK, [[outcome.id for outcome in outcomes]])
    sql.run(SETTLE, [sql.rows(map(_as_row, outcomes)), SENDING])
    for after in {outcome.after or 0 for outcome in again}:
        wake(channel, after=after)
    if retried := sum(outcome.after is not None for outcome in again):
        note_work(NOTIFICATION_TASKS.name, "retried", retried)


def _as_row(outcome: Outcome) -> dict[str, object]:
    return outcome._asdict() | {"reason": sql.words(outcome.reason, LONGEST_REASON)}


def _send(way: Channel, letter: Letter) -> Outcome:
    if not letter.address:
        return _skipped(letter)
    try:
        way.send(letter)
    except UnreachableError:
        raise
    except NotNowError as error:
        return _later(letter, _told(error, letter))
    except Exception as error:  # noqa: BLE001 - whatever it was, it may have gone out
        way.close()
        reason = f"{type(error).__name__}: {_told(error, letter)}"
        return Outcome(letter.id, FAILED, reason, letter.attempts + 1)
    crash_point("notifications: sent, not noted")
    return Outcome(letter.id, SENT, "", letter.attempts + 1)


def _later(letter: Letter, why: str) -> Outcome:
    if not letter.address:
        return _skipped(letter)
    tried = letter.attempts + 1
    if tried > len(RUNGS):
        reason = f"Every retry was used up: {why}"
        return Outcome(letter.id, FAILED, reason, tried)
    after = RUNGS[letter.attempts].seconds
    return Outcome(letter.id, PENDING, why, tried, after)


def _skipped(letter: Letter) -> Outcome:
    return Outcome(letter.id, SKIPPED, NO_ADDRESS, letter.attempts)


def _told(error: Exception, letter: Letter) -> str:
    # Mail servers repeat the address, and who may see messages need not see orders.
    return str(error).replace(letter.address, "***")


def _not_begun(letter: Letter) -> Outcome:
    return Outcome(letter.id, PENDING, "", letter.attempts)
