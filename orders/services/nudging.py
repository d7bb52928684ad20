"""The net below everything: orders that do not move have their events sent again."""

from django.conf import settings

from orders_project.messaging import nudging, sql

BATCH = 500

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


@nudging.single
def nudge_idle_orders() -> int:
    """Send the events of idle orders again, and return how many orders they were.

    Who has handled an event skips it; who missed it handles it now.
    """
    idle = sql.fetch(IDLE, [settings.SWEEP_IDLE_SECONDS, BATCH])
    nudging.send_again([order_id for (order_id,) in idle], by=nudging.SWEEPER)
    return len(idle)
