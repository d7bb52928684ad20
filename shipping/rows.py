"""Shipments as sets of rows."""

from orders_project.messaging import rows
from shipping import lifecycle


class Row(rows.Row, frozen=True):
    """A shipment as the steps see it."""

    carrier: str
    tracking: str
    country: str


SHIPMENTS = rows.Table(
    "shipping_shipment", Row, lifecycle.SHIPMENT, changes=("carrier", "tracking")
)
read, lock = SHIPMENTS.read, SHIPMENTS.lock
move, move_all = SHIPMENTS.move, SHIPMENTS.move_all
