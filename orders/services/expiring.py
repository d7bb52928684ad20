"""The end of orders that nobody paid in time; their stock is for others to buy."""

from django.conf import settings

from orders.lifecycle import CANCELLED
from orders.models import Order
from orders.services.failures import record_failures
from orders_project.database import sql
from orders_project.messaging import nudging, outbox
from orders_project.messaging.events import OrderCancelled, utc_now

EXPIRED = "expired"
BATCH = 500

# Who has paid is not late, even if our own news of it is.
EXPIRE = """
    WITH late AS (
        SELECT id FROM orders_order o
        WHERE is_open AND status = 'pending' AND method = 'prepaid'
            AND created_at < now() - make_interval(secs => %s)
            AND NOT EXISTS (SELECT FROM messaging_event e
                WHERE e.order_id = o.id AND e.type = 'payment.success')
        ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE orders_order o SET status = %s, reason = %s, cancelled_at = %s,
        updated_at = statement_timestamp()
    FROM late WHERE o.id = late.id RETURNING o.id
"""


@nudging.single
def expire_orders() -> int:
    """Cancel the orders that were not paid in time, and return how many.

    What the gateway charged for them meanwhile, or charges yet, goes back as for any
    order that was cancelled.
    """
    if settings.ORDER_EXPIRY_SECONDS is None:
        return 0
    now = utc_now()
    late = [settings.ORDER_EXPIRY_SECONDS, BATCH, CANCELLED, EXPIRED, now]
    ids = [order_id for (order_id,) in sql.fetch(EXPIRE, late)]
    events = [
        order.event(OrderCancelled, time=now, reason=EXPIRED)
        for order in Order.objects.filter(pk__in=ids).order_by("pk")
    ]
    outbox.append(*events)
    record_failures(events)
    return len(events)
