"""What the messaging core does on its own: the dead-letter desk's record, retention."""

from celery import shared_task

from orders_project.messaging import pruning
from orders_project.messaging.desk import recording, tidying
from orders_project.messaging.hearing import note_work, takes
from orders_project.messaging.pruning import old
from orders_project.messaging.retry import Wire
from orders_project.messaging.topology import DEAD_DESK_QUEUE

SETTLED = old(
    "messaging_deadletter",
    "since",
    "status IN ('done', 'applied', 'discarded') AND copies = 0",
)
#: Rows a minute of work leaves behind that only matter while a message may come twice.
#: The largest table is the last, so that nobody waits for it.
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
    old("messaging_inbox", "handled"),
)


@takes(DEAD_DESK_QUEUE)
def record_dead_letter(wire: Wire) -> None:
    """Put a parked message on the desk; the original stays in dead.letter.queue."""
    if recording.record(wire):
        note_work(DEAD_DESK_QUEUE.name, "handled", 1)


@shared_task(name="messaging.prune")
def prune() -> str:
    """Delete what retention no longer needs; of dead letters only settled ones."""
    pruned = pruning.prune(PRUNE)
    pruned.go_on(prune)
    return f"{pruned.rows} rows deleted"


# Above the common time limits: it reads the whole of dead.letter.queue.
@shared_task(name="messaging.tidy", soft_time_limit=600, time_limit=660)
def tidy() -> str:
    """Take settled letters out of dead.letter.queue, if there are any."""
    return str(tidying.tidy()) if tidying.is_untidy() else "tidy"
