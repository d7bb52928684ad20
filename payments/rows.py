"""Payments as sets of rows."""

from orders_project.messaging import rows
from orders_project.messaging.events import PaymentFailed, PaymentSucceeded
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

    def success(self) -> PaymentSucceeded:
        return self.event(
            PaymentSucceeded,
            amount_cents=self.amount_cents,
            currency=self.currency,
            method=self.method,
            country=self.country,
        )

    def failure(self) -> PaymentFailed:
        return self.event(PaymentFailed, reason=self.reason)


PAYMENTS = rows.Table(
    "payments_payment", Row, lifecycle.PAYMENT, changes=("reason", "reference")
)
read, lock = PAYMENTS.read, PAYMENTS.lock
move, move_all = PAYMENTS.move, PAYMENTS.move_all
