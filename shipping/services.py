"""Everything that moves a shipment.

A service that asks the carrier reads, asks outside any transaction, and records the
answers in one.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from orders_project.database import sql
from orders_project.messaging import nudging, outbox
from orders_project.messaging.chains import IDLE, NAMED
from orders_project.messaging.crash import crash_point
from orders_project.messaging.errors import RetryLater
from orders_project.messaging.events import (
    CodAccepted,
    DeliveryConfirmed,
    Event,
    OrderCancelled,
    OrderShipped,
    PaymentSucceeded,
    ShipmentDelivered,
    ShipmentPrepared,
)
from orders_project.messaging.nudging import SWEEPER, Nudged
from shipping.carriers import carrier
from shipping.carriers.port import Booking, Parcel
from shipping.chains import CHAINS
from shipping.lifecycle import (
    CANCELLED,
    DELIVERED,
    IN_TRANSIT,
    MOVING,
    OPENED,
    PREPARED,
    RELEASED,
)
from shipping.rows import Row, lock, move, move_all, read

#: A cancellation that comes first leaves its row as a tombstone.
OPEN = """
    INSERT INTO shipping_shipment (order_id, status, country, cause, trace, priority)
    SELECT order_id, status, country, cause, trace, priority
    FROM jsonb_to_recordset(%s) AS e(order_id uuid, status text, country text,
        cause uuid, trace text, priority smallint)
    ORDER BY order_id ON CONFLICT DO NOTHING
    RETURNING 'preparation', priority, order_id::text
"""
#: A parcel on the road is given its time; NULL leaves it to a confirmation.
TAKE = """
    UPDATE shipping_shipment SET tried = statement_timestamp(), sweeps = sweeps + 1
    WHERE order_id = ANY(ARRAY(
        SELECT order_id FROM shipping_shipment
        WHERE is_open AND status = ANY(%s) AND (status <> 'in_transit'
            OR updated < statement_timestamp() - make_interval(secs => %s))
            AND {which} FOR UPDATE SKIP LOCKED))
    RETURNING CASE status WHEN 'released' THEN 'dispatch'
        WHEN 'in_transit' THEN 'delivery' ELSE 'preparation' END,
        priority, order_id::text
"""


def open_shipments(events: Sequence[PaymentSucceeded | CodAccepted]) -> None:
    """Open a shipment for each order and have it prepared.

    Cash that was collected at the door is a payment too: that order has its row.
    """
    rows = [_row(event, OPENED, event.country) for event in events]
    CHAINS.start(sql.fetch(OPEN, [sql.rows(rows)]))


def _row(event: Event, status: str, country: str) -> dict[str, object]:
    return {
        "order_id": event.order_id,
        "status": status,
        "country": country,
        "cause": event.id,
        "trace": event.trace,
        "priority": event.priority,
    }


def prepare(order_ids: Sequence[str]) -> None:
    """Book the parcels at the carrier, and say that they are ready to leave."""
    rows = read(order_ids, OPENED)
    bookings = carrier().book([_parcel(row) for row in rows])
    crash_point("shipping: booked, not recorded")
    with transaction.atomic():
        lock(row.order_id for row in rows)
        moved = move([_booked(*one) for one in zip(rows, bookings, strict=True)])
        outbox.append(*map(_prepared, moved))


def _parcel(row: Row) -> Parcel:
    return Parcel(order_id=row.order_id, country=row.country, tracking=row.tracking)


def _booked(row: Row, booking: Booking) -> dict[str, object]:
    return {
        "order_id": row.order_id,
        "status": PREPARED,
        "carrier": booking.carrier,
        "tracking": booking.tracking,
    }


def _prepared(row: Row) -> ShipmentPrepared:
    return row.event(ShipmentPrepared, carrier=row.carrier, tracking=row.tracking)


def release(events: Sequence[OrderShipped]) -> None:
    """The orders stand: have their parcels leave the house.

    Raises RetryLater for an order whose parcel is not prepared yet.
    """
    _require_none_in(events, (None, OPENED), "is not prepared")
    released = move([_caused(event, RELEASED) for event in events])
    CHAINS.start(("dispatch", row.priority, row.order_id) for row in released)


def _require_none_in(
    events: Sequence[Event], early: Sequence[str | None], what: str
) -> None:
    statuses = lock(event.order_id for event in events)
    if of := {
        event.order_id: f"{event.type} of order {event.order_id} came too early: its "
        f"parcel {what} yet. If it stays so: manage.py nudge {event.order_id}"
        for event in events
        if statuses.get(event.order_id) in early
    }:
        raise RetryLater(of=of)


def _caused(event: Event, status: str) -> dict[str, object]:
    return {"order_id": event.order_id, "status": status, "cause": event.id}


def hand_over(order_ids: Sequence[str]) -> None:
    """Hand the released parcels to the carrier.

    CARRIER_DELIVERY_SECONDS: 0 delivers at once, None leaves it to a confirmation.
    """
    rows = read(order_ids, RELEASED)
    carrier().hand_over([_parcel(row) for row in rows])
    crash_point("shipping: handed over, not recorded")
    handed = [row.order_id for row in rows]
    if settings.CARRIER_DELIVERY_SECONDS == 0:
        deliver(handed)
    else:
        _send_off(handed)


@transaction.atomic
def _send_off(order_ids: Sequence[str]) -> None:
    lock(order_ids)
    moved = move_all(order_ids, IN_TRANSIT)
    if seconds := settings.CARRIER_DELIVERY_SECONDS:
        jobs = [("delivery", row.priority, row.order_id) for row in moved]
        CHAINS.start(jobs, after=seconds)


@transaction.atomic
def deliver(order_ids: Sequence[str]) -> None:
    """Record the parcels as delivered, and say so."""
    lock(order_ids)
    outbox.append(*map(_delivered, move_all(order_ids, DELIVERED)))


def confirm_delivery(events: Sequence[DeliveryConfirmed]) -> None:
    """The customers have their parcels, whatever the carrier says.

    Raises RetryLater for an order whose parcel is still on its way out of the house.
    """
    early = (None, OPENED, PREPARED, RELEASED)
    _require_none_in(events, early, "has not left the house")
    delivered = move([_caused(event, DELIVERED) for event in events])
    outbox.append(*map(_delivered, delivered))


def _delivered(row: Row) -> ShipmentDelivered:
    return row.event(ShipmentDelivered)


def cancel(events: Sequence[OrderCancelled]) -> None:
    """Stop the shipments that have not left; one not here yet is never opened."""
    sql.run(OPEN, [sql.rows(_row(event, CANCELLED, "") for event in events)])
    lock(event.order_id for event in events)
    move([_caused(event, CANCELLED) for event in events])


@nudging.single
def resume_idle() -> int:
    """Start the chains of stalled shipments again; return how many.

    Harmless where a chain is still on its way: a step skips what is past it.
    """
    seconds = settings.SWEEP_IDLE_SECONDS
    nudged = _resume(IDLE, seconds, idle=seconds)
    nudging.note(nudged, by=SWEEPER)
    return len(nudged)


@transaction.atomic
def resume(order_ids: Sequence[str]) -> list[Nudged]:
    """Start these orders' stalled shipments again; return which."""
    return _resume(NAMED, list(order_ids))


def _resume(which: str, value: object, *, idle: float = 0) -> list[Nudged]:
    on_the_road = settings.CARRIER_DELIVERY_SECONDS
    patience = None if on_the_road is None else on_the_road + idle
    query = TAKE.format(which=which)
    return CHAINS.restart(sql.fetch(query, [list(MOVING), patience, value]))
