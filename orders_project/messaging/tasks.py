"""What the messaging core does on its own: the dead-letter desk's record, retention."""

from contextlib import suppress

from celery import shared_task

from orders_project.database.sql import first_id
from orders_project.messaging import pruning
from orders_project.messaging.desk import recording, tidying
from orders_project.messaging.hearing import takes
from orders_project.messaging.pruning import old
from orders_project.messaging.settling import note_work
from orders_project.messaging.topology import DEAD_DESK_QUEUE
from orders_project.messaging.wire import Wire

SETTLED = old(
    "messaging_deadletter",
    "since",
    "status IN ('done', 'applied', 'discarded') AND copies = 0",
)
# By its key, queue by queue: an index by time would cost each event, and a BRIN range
# stays as wide as all that was ever in it. Ids begin with the time of their event; what
# was handled much later waits for its own time.
INBOX = f"""
    WITH RECURSIVE heard (queue) AS (
        (SELECT queue FROM messaging_inbox ORDER BY queue LIMIT 1)
        UNION ALL SELECT (SELECT queue FROM messaging_inbox i
            WHERE i.queue > heard.queue ORDER BY queue LIMIT 1)
        FROM heard WHERE queue IS NOT NULL
    ), wanted AS (SELECT now() - make_interval(days => %s) AS past, %s AS lot)
    DELETE FROM messaging_inbox WHERE ctid = ANY(ARRAY(
        SELECT old.place FROM wanted, heard, LATERAL (
            SELECT ctid AS place FROM messaging_inbox i
            WHERE i.queue = heard.queue AND handled < wanted.past
                AND event_id < {first_id("wanted.past")}
            LIMIT wanted.lot) AS old
        LIMIT (SELECT lot FROM wanted)))
"""
#: What RETENTION_DAYS ends. The largest table comes last: no other waits for it.
PRUNE = (
    # Of events that did not come to their end in the hands that had counted them.
    old("messaging_attempt", "at"),
    old("messaging_work", "at"),
    old("messaging_nudge", "at"),
    f"""
    WITH gone AS ({SETTLED} RETURNING id), actions AS (
        DELETE FROM messaging_deadletteraction
        WHERE letter_id IN (SELECT id FROM gone))
    SELECT FROM gone
    """,
    INBOX,
)


@takes(DEAD_DESK_QUEUE)
def record_dead_letter(wire: Wire) -> None:
    """Put a parked message on the desk; the original stays in dead.letter.queue."""
    if recording.record(wire):
        note_work(DEAD_DESK_QUEUE.name, "handled", 1)


# A round is a lot of each table, and each may take as long as a statement may.
@shared_task(name="messaging.prune", soft_time_limit=100, time_limit=120)
def prune() -> str:
    """Delete what retention no longer needs; of dead letters only settled ones."""
    pruned = pruning.prune(PRUNE)
    pruned.go_on(prune)
    return f"{pruned.rows} rows deleted"


# Above the common time limits: it reads the whole of dead.letter.queue.
@shared_task(name="messaging.tidy", soft_time_limit=600, time_limit=660)
def tidy() -> str:
    """Take settled letters out of dead.letter.queue, if there are any."""
    with suppress(tidying.AlreadyTidyingError):
        return str(tidying.tidy()) if tidying.is_untidy() else "tidy"
    return "somebody else tidies"
