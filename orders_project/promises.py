"""What Waybill promises, each as the query that would find it broken.

This page sees the tables of every app, as an auditor does; no app does. Some of it says
what the reconciler's checks say, in words of its own: an auditor who shared them with
who mends would share their mistakes. A query returns (what, detail) for each violation,
and nothing when the promise holds. What is in ALWAYS holds at any moment, what is in
RESTING only when nothing moves.
"""

from collections.abc import Iterator
from typing import NamedTuple

from audit.selectors import violations as audit_violations
from orders import lifecycle
from orders_project.database import sql
from orders_project.messaging import inspection
from orders_project.messaging.desk import tidying
from orders_project.messaging.models import Parcel
from orders_project.messaging.topology import DEAD_LETTER_QUEUE, QUEUES, UNROUTED_QUEUE
from payments.gateways import gateway
from payments.gateways.simulated import SimulatedGateway
from payments.lifecycle import MOVING


class Promise(NamedTuple):
    """A sentence of the guarantee, and the SQL that finds who breaks it.

    `simulated` reads the books of the simulated gateway, and says nothing of another:
    what that one tells, order by order, `manage.py reconcile` compares.
    """

    sentence: str
    query: str
    simulated: bool = False


BOOKS = """
    WITH books AS (
        SELECT order_id,
            count(*) FILTER (WHERE state = 'captured') AS captures,
            coalesce(sum(amount_cents) FILTER (WHERE state = 'captured'), 0)
            - coalesce(sum(amount_cents) FILTER (WHERE state = 'refunded'), 0) AS net
        FROM gateway_entry GROUP BY order_id
    )
"""

ALWAYS: tuple[Promise, ...] = (
    Promise(
        "Every order that was acknowledged is in the event log",
        """
        SELECT o.id::text, 'has no order.created' FROM orders_order o WHERE NOT EXISTS
            (SELECT 1 FROM messaging_event e
             WHERE e.order_id = o.id AND e.type = 'order.created')
        """,
    ),
    Promise(
        "An order ends once",
        """
        SELECT order_id::text, string_agg(type, ', ' ORDER BY time)
        FROM messaging_event WHERE type IN ('order.completed', 'order.cancelled')
        GROUP BY order_id HAVING count(*) > 1
        """,
    ),
    Promise(
        "No order is captured twice in the gateway's own books",
        BOOKS + "SELECT order_id::text, captures || ' captures' FROM books "
        "WHERE captures > 1",
        simulated=True,
    ),
    Promise(
        "Stock is never negative, and never promised twice",
        """
        SELECT sku, on_hand || ' on hand, ' || reserved || ' reserved'
        FROM inventory_stockitem WHERE on_hand < 0 OR reserved NOT BETWEEN 0 AND on_hand
        """,
    ),
    Promise(
        "What is reserved and what is sold is what the orders hold and have bought",
        """
        SELECT s.sku, s.reserved || ' reserved, ' || s.sold || ' sold, orders hold '
            || coalesce(l.held, 0) || ' and bought ' || coalesce(l.bought, 0)
        FROM inventory_stockitem s LEFT JOIN (
            SELECT sku, sum(quantity) FILTER (WHERE r.status = 'held') AS held,
                sum(quantity) FILTER (WHERE r.status = 'committed') AS bought
            FROM inventory_reservationline JOIN inventory_reservation r USING (order_id)
            GROUP BY sku) l USING (sku)
        WHERE (s.reserved, s.sold) <> (coalesce(l.held, 0), coalesce(l.bought, 0))
        """,
    ),
    Promise(
        "Nothing leaves the house for an order that did not ship",
        """
        SELECT o.id::text, 'is ' || o.status || ', its parcel ' || s.status
        FROM orders_order o JOIN shipping_shipment s ON s.order_id = o.id
        WHERE s.status IN ('released', 'in_transit', 'delivered')
            AND o.status NOT IN ('shipped', 'completed')
        """,
    ),
    Promise(
        "At most one notification for an order, a milestone and a channel",
        """
        SELECT order_id::text, milestone || ' by ' || channel
        FROM notifications_notification
        GROUP BY order_id, milestone, channel HAVING count(*) > 1
        """,
    ),
    Promise(
        "No milestone is said twice",
        """
        SELECT order_id::text, type || ' was said ' || count(*) || ' times'
        FROM messaging_event
        GROUP BY order_id, type HAVING count(*) > 1
        """,
    ),
    Promise(
        "No illegal transition is recorded",
        """
        SELECT id::text, 'is ' || status || ' in spite of its times' FROM orders_order
        WHERE (status = 'completed' AND
                (paid_at IS NULL OR shipped_at IS NULL OR delivered_at IS NULL))
            OR (status = 'shipped' AND shipped_at IS NULL)
            OR (status = 'paid' AND paid_at IS NULL)
            OR (status = 'cancelled' AND (completed_at IS NOT NULL
                OR shipped_at IS NOT NULL OR cancelled_at IS NULL))
        """,
    ),
)

RESTING: tuple[Promise, ...] = (
    Promise(
        "Every order reaches exactly one terminal state",
        f"""
        SELECT id::text, 'is ' || status FROM orders_order
        WHERE status NOT IN {lifecycle.TERMINAL}
        """,
    ),
    Promise(
        "A completed order's money is ours, and a cancelled one's is not",
        BOOKS
        + """
        SELECT o.id::text, o.status || ' with ' || coalesce(net, 0) || ' of '
            || o.total_cents || ' at the gateway'
        FROM orders_order o LEFT JOIN books ON order_id = o.id
        WHERE (o.status = 'cancelled' AND coalesce(net, 0) <> 0)
            OR (o.status = 'completed' AND o.method = 'prepaid'
                AND coalesce(net, 0) <> o.total_cents)
        """,
        simulated=True,
    ),
    Promise(
        "No payment is left half-way",
        f"""
        SELECT order_id::text, 'payment is ' || status FROM payments_payment
        WHERE status IN {tuple(MOVING)}
        """,
    ),
    Promise(
        "One shipment for every paid order, and none for others",
        """
        SELECT o.id::text, o.status || ', shipment ' || coalesce(s.status, 'missing')
        FROM orders_order o LEFT JOIN shipping_shipment s ON s.order_id = o.id
        WHERE (o.status = 'completed') <> (coalesce(s.status, '') = 'delivered')
        """,
    ),
    Promise(
        "A cancelled order holds no stock, and a completed one has bought all of it",
        """
        SELECT o.id::text, o.status || ', reservation ' || coalesce(r.status, 'missing')
        FROM orders_order o LEFT JOIN inventory_reservation r ON r.order_id = o.id
        WHERE (o.status = 'completed' AND r.status IS DISTINCT FROM 'committed')
            OR (o.status = 'cancelled' AND r.status IN ('held', 'committed'))
        """,
    ),
    Promise(
        "The figures of the analytics are those of the orders",
        """
        SELECT coalesce(o.id, f.order_id)::text, 'differs in the analytics'
        FROM orders_order o FULL JOIN audit_orderfact f ON f.order_id = o.id
        WHERE (o.status = 'completed') IS DISTINCT FROM (f.completed_at IS NOT NULL)
            OR (o.status = 'cancelled') IS DISTINCT FROM (f.cancelled_at IS NOT NULL)
            OR o.total_cents IS DISTINCT FROM f.total_cents
        """,
    ),
)

#: What else is checked where nothing moves.
RECORDED = "All that was said is recorded, and the records are as they were written"
AT_REST = "When idle the outbox and the queues are empty"
#: Queues that may hold messages when nothing moves: what was parked, on purpose.
MAY_HOLD = {DEAD_LETTER_QUEUE.name, UNROUTED_QUEUE.name}


def in_force(*, resting: bool) -> list[Promise]:
    """Return the promises that can be checked with the gateway of the settings."""
    simulated = isinstance(gateway(), SimulatedGateway)
    every = ALWAYS + (RESTING if resting else ())
    return [promise for promise in every if simulated or not promise.simulated]


def violations(*, resting: bool = True) -> Iterator[str]:
    """Yield every broken promise in words.

    With `resting`, also what only holds when no order is on its way.
    """
    for _, found in checks(resting=resting):
        yield from found


def checks(*, resting: bool = True) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield what is checked, a sentence each, with what is found as it is asked for."""
    for promise in in_force(resting=resting):
        yield promise.sentence, _broken(promise)
    if resting:
        yield RECORDED, audit_violations()
        yield AT_REST, unrest()


def _broken(promise: Promise) -> Iterator[str]:
    for what, detail in sql.fetch(promise.query):
        yield f"{promise.sentence}, but {what}: {detail}"


def unrest() -> Iterator[str]:
    """Yield what still moves: parcels, also those due later, and messages at work."""
    if count := Parcel.objects.count():
        yield f"When idle the outbox is empty, but {count} parcels wait"
    depths = inspection.depths()
    for queue in QUEUES:
        if (count := depths.get(queue.name, 0)) and queue.name not in MAY_HOLD:
            yield f"When idle the queues are empty, but {queue.name} holds {count}"
    yield from _strangers(depths.get(DEAD_LETTER_QUEUE.name, 0))


def _strangers(parked: int) -> Iterator[str]:
    if parked != (known := tidying.known_copies()):
        yield (
            f"{DEAD_LETTER_QUEUE.name} holds exactly what the desk knows of, but it "
            f"holds {parked}, and the desk knows of {known}. See which: "
            "manage.py dead tidy"
        )
