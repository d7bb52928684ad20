"""Nudges: what has stalled has its events sent again, and its chains started again.

An app with chains says by `restarts` how they start; this page knows none of them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps

from django.db import transaction

from orders_project.database import sql
from orders_project.database.silence import long_statements
from orders_project.messaging import backlog, outbox
from orders_project.messaging.crash import crash_point

SWEEPER = "sweeper"
RELAY = "relay"
RECONCILER = "reconciler"
#: Who nudges and is no person.
MACHINES = (SWEEPER, RELAY, RECONCILER)
#: What is sent again when no chain is meant.
EVENTS = "events"

NOTE = """
    INSERT INTO messaging_nudge (order_id, what, by)
    SELECT order_id, what, by
    FROM jsonb_to_recordset(%s) AS n(order_id uuid, what text, by text)
"""
#: A broker that loses its data loses nothing that was said longer ago than this before
#: its end, unless a worker was away for longer: orders are then nudged one by one.
RECENT_HOURS = 2
#: Orders whose events are sent again in one transaction.
AT_ONCE = 1_000
#: For finding them: with tens of millions of events it takes longer than any statement.
MINUTES = 10
# Its end is not known: the first parcel has waited since, and in a database that was
# restored from a backup, or in a quiet night, nothing was said since.
LAST = f"""
    least(now(), (SELECT time FROM messaging_event ORDER BY id DESC LIMIT 1),
        (SELECT due FROM {backlog.due("ORDER BY due LIMIT 1")} ORDER BY due LIMIT 1))
"""
RECENT = f"""
    SELECT DISTINCT order_id::text FROM messaging_event
    WHERE id >= {sql.first_id(f"({LAST} - make_interval(hours => %s))")}
    ORDER BY order_id
"""
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext(%s))"

#: (what was started, of which order)
Nudged = tuple[str, str]
Restart = Callable[[Sequence[str]], Iterable[Nudged]]
RESTARTS: list[Restart] = []


def restarts(restart: Restart) -> Restart:
    """Register how an app starts the stalled chains of some orders again."""
    RESTARTS.append(restart)
    return restart


@transaction.atomic
def nudge(order_ids: Iterable[str], *, by: str) -> int:
    """Send all events of these orders again, and start their stalled chains again.

    Returns how many events. Who has handled one skips it; a step skips what is past
    it; so it changes nothing for an order that moves, or is done.
    """
    ids = sorted(set(order_ids))
    chains = [nudged for restart in RESTARTS for nudged in restart(ids)]
    note(chains, by=by)
    return send_again(ids, by=by)


def send_again(order_ids: Sequence[str], *, by: str) -> int:
    """Send all events of these orders again, and note it on their timelines."""
    note(((EVENTS, order_id) for order_id in order_ids), by=by)
    return outbox.resend(order_ids)


def send_recent_again() -> int:
    """Send again what was said lately, of every order; returns how many events."""
    with long_statements(MINUTES * 60):
        ids = [order_id for (order_id,) in sql.fetch(RECENT, [RECENT_HOURS])]
    starts = range(0, len(ids), AT_ONCE)
    return sum(_one_lot(ids[start : start + AT_ONCE]) for start in starts)


@transaction.atomic
def _one_lot(order_ids: Sequence[str]) -> int:
    return send_again(order_ids, by=RELAY)


def note(nudged: Iterable[Nudged], *, by: str) -> None:
    """Put on the orders' timelines what was sent or started again, and by whom."""
    rows = [{"order_id": one, "what": what, "by": by} for what, one in nudged]
    if rows:
        sql.run(NOTE, [sql.rows(rows)])


def single(sweep: Callable[[], int]) -> Callable[[], int]:
    """Run in one transaction, and only once at a time in the whole system.

    Who comes while it runs elsewhere does nothing, and returns 0.
    """
    name = f"{sweep.__module__}.{sweep.__name__}"

    @wraps(sweep)
    def run() -> int:
        with transaction.atomic():
            [(alone,)] = sql.fetch(ALONE, [name])
            count = sweep() if alone else 0
            crash_point("sweep: before the commit", name)
        crash_point("sweep: committed, not acknowledged", name)
        return count

    return run
