"""Payments as sets of rows."""

from orders_project.messaging import rows
from payments import lifecycle


class Row(rows.Row, frozen=True):
    """A payment as the steps see it."""

    reason: str
    method: str
    amount_cents: int
    currency: str
    token: str
    country: str
    reference: str


PAYMENTS = rows.Table(
    "payments_payment", Row, lifecycle.PAYMENT, changes=("reason", "reference")
)
read, lock = PAYMENTS.read, PAYMENTS.lock
move, move_all = PAYMENTS.move, PAYMENTS.move_all
