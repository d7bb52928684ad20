"""What the messaging core does on its own: the dead-letter desk's record, retention."""

from celery import shared_task
from django.conf import settings

from orders_project.messaging import sql
from orders_project.messaging.desk import recording, tidying
from orders_project.messaging.hearing import note_work, takes
from orders_project.messaging.retry import Wire
from orders_project.messaging.topology import DEAD_DESK_QUEUE

#: Rows a minute of work leaves behind that only matter while a message may come twice.
PRUNE = (
    "DELETE FROM messaging_inbox WHERE handled < now() - make_interval(days => %s)",
    # Of events that did not come to their end in the hands that had counted them.
    "DELETE FROM messaging_attempt WHERE at < now() - make_interval(days => %s)",
    "DELETE FROM messaging_work WHERE at < now() - make_interval(days => %s)",
    "DELETE FROM messaging_nudge WHERE at < now() - make_interval(days => %s)",
    """
    WITH gone AS (
        DELETE FROM messaging_deadletter
        WHERE status IN ('done', 'applied', 'discarded') AND copies = 0
            AND since < now() - make_interval(days => %s) RETURNING id)
    DELETE FROM messaging_deadletteraction WHERE letter_id IN (SELECT id FROM gone)
    """,
)


@takes(DEAD_DESK_QUEUE)
def record_dead_letter(wire: Wire) -> None:
    """Put a parked message on the desk; the original stays in dead.letter.queue."""
    if recording.record(wire):
        note_work(DEAD_DESK_QUEUE.name, "handled", 1)


@shared_task(name="messaging.prune")
def prune() -> None:
    """Delete what retention no longer needs; of dead letters only settled ones."""
    for statement in PRUNE:
        sql.run(statement, [settings.RETENTION_DAYS])


# Above the common time limits: it reads the whole of dead.letter.queue.
@shared_task(name="messaging.tidy", soft_time_limit=600, time_limit=660)
def tidy() -> str:
    """Take settled letters out of dead.letter.queue, if there are any."""
    return str(tidying.tidy()) if tidying.is_untidy() else "tidy"
