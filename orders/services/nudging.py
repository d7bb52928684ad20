"""The net below everything: orders that do not move have their events sent again."""

from django.conf import settings
from django.db import transaction

from orders_project.messaging import outbox, sql

#: Any constant of our own will do: one sweep at a time in the whole system.
SWEEPING = 77_0001
BATCH = 500

ALONE = "SELECT pg_try_advisory_xact_lock(%s)"
# Each nudge doubles the wait, up to some days: a parcel that is long on its way
# must not have its whole history sent every few minutes.
IDLE = """
    WITH idle AS (
        SELECT id FROM orders_order
        WHERE is_open AND updated_at
            < now() - make_interval(secs => %s * power(2, least(nudges, 10)))
        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE orders_order o SET updated_at = now(), nudges = nudges + 1
    FROM idle WHERE o.id = idle.id RETURNING o.id::text
"""


@transaction.atomic
def nudge_idle_orders() -> int:
    """Send the events of idle orders again, and return how many orders they were.

    Who has handled an event skips it; who missed it handles it now.
    """
    [(alone,)] = sql.fetch(ALONE, [SWEEPING])
    if not alone:
        return 0
    idle = sql.fetch(IDLE, [settings.SWEEP_IDLE_SECONDS, BATCH])
    outbox.resend(order_id for (order_id,) in idle)
    return len(idle)
