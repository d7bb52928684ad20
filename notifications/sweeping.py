"""What waits too long: a broker may have lost the step that sends it, or its address.

`order.created` tells the address, and expires in the queues of mails and text messages
(topology.py): after a worker was away for longer, what is noted later waits for it.
"""

from collections.abc import Sequence

from django.conf import settings

from notifications.delivery import CHANNELS
from notifications.services import wake
from orders_project.database import sql
from orders_project.messaging import nudging

#: Orders that have their events sent again in one sweep.
AT_ONCE = 500

IDLE = """
    SELECT c.channel FROM unnest(%s::text[]) AS c (channel)
    CROSS JOIN LATERAL (
        SELECT FROM notifications_notification n
        JOIN notifications_recipient r USING (order_id)
        WHERE n.channel = c.channel AND n.status = 'pending'
            AND n.due < statement_timestamp() - make_interval(secs => %s)
        ORDER BY n.due LIMIT 1
    ) AS idle
"""
# Each time they are put off for as long again as they have waited: `changed` is when
# they were noted. So the address is asked for ever more rarely, and delivery.CLAIM does
# not step over them each time. services.DUE_AGAIN makes them due once it is known.
NOBODYS = f"""
    WITH nobodys AS (
        SELECT DISTINCT n.order_id FROM unnest(%s::text[]) AS c (channel)
        CROSS JOIN LATERAL (
            SELECT order_id FROM notifications_notification n
            WHERE n.channel = c.channel AND n.status = 'pending'
                AND n.due < statement_timestamp() - make_interval(secs => %s)
                AND NOT EXISTS (SELECT FROM notifications_recipient r
                    WHERE r.order_id = n.order_id)
            ORDER BY n.due LIMIT {AT_ONCE}
        ) AS n LIMIT {AT_ONCE}
    ), waiting AS (
        SELECT id FROM notifications_notification JOIN nobodys USING (order_id)
        WHERE status = 'pending' ORDER BY order_id, milestone FOR UPDATE
    )
    UPDATE notifications_notification n
    SET due = statement_timestamp() + (statement_timestamp() - n.changed)
    FROM waiting WHERE n.id = waiting.id RETURNING n.order_id::text
"""


@nudging.single
def resume_idle() -> int:
    """Wake the channels with messages that are due for too long, and ask for addresses.

    Returns how many channels and orders. Harmless where a step is still on its way:
    whoever comes second finds nothing due.
    """
    which = [list(CHANNELS), settings.SWEEP_IDLE_SECONDS]
    nobodys = {order_id for (order_id,) in sql.fetch(NOBODYS, which)}
    _ask_for_addresses(sorted(nobodys))
    idle = sql.fetch(IDLE, which)
    for (channel,) in idle:
        wake(channel)
    return len(nobodys) + len(idle)


def _ask_for_addresses(order_ids: Sequence[str]) -> None:
    """Have the events of these orders sent again, order.created among them."""
    if order_ids:
        nudging.send_again(order_ids, by=nudging.SWEEPER)
