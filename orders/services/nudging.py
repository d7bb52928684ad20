"""The net below everything: orders that do not move have their events sent again."""

from django.conf import settings

from orders_project.database import sql
from orders_project.messaging import nudging

BATCH = 500
#: How long a parcel is left alone that arrives when the customer says so.
DAY = 24 * 60 * 60

# Each nudge doubles the wait, up to some days: a parcel that is long on its way
# must not have its whole history sent every few minutes.
# A shipped one comes last and is given the carrier's time: of many parcels on the road
# nearly all are well, and they would keep the sweep from a young order in trouble.
IDLE = """
    WITH idle AS (
        SELECT id FROM orders_order
        WHERE is_open AND updated_at < now() - make_interval(secs =>
            %s * power(2, least(nudges, 10)) + (status = 'shipped')::int * %s)
        ORDER BY status = 'shipped', nudges, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE orders_order o SET updated_at = now(), nudges = nudges + 1
    FROM idle WHERE o.id = idle.id RETURNING o.id::text
"""


@nudging.single
def nudge_idle_orders() -> int:
    """Send the events of idle orders again, and return how many orders they were.

    Who has handled an event skips it; who missed it handles it now.
    """
    waits = [settings.SWEEP_IDLE_SECONDS, on_the_road()]
    idle = sql.fetch(IDLE, [*waits, BATCH])
    nudging.send_again([order_id for (order_id,) in idle], by=nudging.SWEEPER)
    return len(idle)


def on_the_road() -> float:
    seconds: float | None = settings.CARRIER_DELIVERY_SECONDS
    return DAY if seconds is None else seconds
