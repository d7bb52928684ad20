"""An order's statuses and the only moves between them. Printable, and all there is.

A prepaid order is paid, then shipped; one that is paid in cash is shipped from
PENDING, and its money comes with the delivery.
"""

from collections.abc import Mapping

PENDING = "pending"
PAID = "paid"
SHIPPED = "shipped"
COMPLETED = "completed"
CANCELLED = "cancelled"

MOVES: Mapping[str, tuple[str, ...]] = {
    PENDING: (PAID, SHIPPED, CANCELLED),
    PAID: (SHIPPED, CANCELLED),
    SHIPPED: (COMPLETED,),
    COMPLETED: (),
    CANCELLED: (),
}

STATUSES = tuple(MOVES)
TERMINAL = tuple(status for status, onward in MOVES.items() if not onward)
OPEN = tuple(status for status, onward in MOVES.items() if onward)
