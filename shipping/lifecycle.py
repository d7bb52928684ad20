"""Which status of a shipment may follow which. A plain table.

`prepared` waits for the order's word: only a `released` parcel leaves the house, so
that a cancelled order never ships.
"""

from collections.abc import Mapping, Sequence

OPENED = "opened"
PREPARED = "prepared"
RELEASED = "released"
IN_TRANSIT = "in_transit"
DELIVERED = "delivered"
CANCELLED = "cancelled"

SHIPMENT: Mapping[str, Sequence[str]] = {
    OPENED: (PREPARED, CANCELLED),
    PREPARED: (RELEASED, CANCELLED),
    RELEASED: (IN_TRANSIT, DELIVERED),
    IN_TRANSIT: (DELIVERED,),
    DELIVERED: (),
    CANCELLED: (),
}

#: Where a task of ours is at work: what stalls here is started again.
MOVING: Sequence[str] = (OPENED, RELEASED, IN_TRANSIT)

#: What has not come to its end.
OPEN: Sequence[str] = tuple(status for status, onward in SHIPMENT.items() if onward)
