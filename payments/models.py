"""What we know of each order's money. The gateway's own books are in gateways/.

Both tables are keyed by the order: whatever arrives first makes the row. A row keeps
the event that led to it, so that what is said later can name its cause.
"""

from django.db import models
from django.db.models.functions import Now

from orders_project.messaging.events import NORMAL
from payments import lifecycle

# Django finds an app's tables here; these belong to the simulated gateway.
from payments.gateways.ledger import GatewayAccount, GatewayEntry

__all__ = ["GatewayAccount", "GatewayEntry", "Payment", "Refund"]


def _one_of(table: object, name: str) -> models.CheckConstraint:
    statuses = sorted(table)  # type: ignore[call-overload]
    return models.CheckConstraint(
        condition=models.Q(status__in=statuses), name=f"{name}_status"
    )


class Payment(models.Model):
    """One order's payment. A cancelled one without a method was never opened.

    The amount is in minor units; `reference` is the gateway's name for it.
    """

    order_id = models.UUIDField(primary_key=True)
    status = models.TextField()
    reason = models.TextField(db_default="", blank=True)
    method = models.TextField(db_default="")
    amount_cents = models.BigIntegerField(db_default=0)
    currency = models.TextField(db_default="")
    token = models.TextField(db_default="")
    country = models.TextField(db_default="")
    reference = models.TextField(db_default="")
    cause = models.UUIDField(null=True)
    trace = models.TextField(null=True)
    priority = models.SmallIntegerField(db_default=NORMAL)
    created = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())
    tried = models.DateTimeField(
        null=True, help_text="when it was last helped on since then"
    )
    sweeps = models.SmallIntegerField(
        db_default=0, help_text="how often since its status moved"
    )
    # The one indexed column that changes, and only at the end: so every update before
    # stays within its page, and writes no index entry.
    is_open = models.GeneratedField(
        expression=models.Q(status__in=lifecycle.OPEN),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        constraints = (
            _one_of(lifecycle.PAYMENT, "payment"),
            models.CheckConstraint(
                condition=models.Q(amount_cents__gte=0), name="payment_amount"
            ),
        )
        indexes = (
            models.Index(
                fields=("order_id",),
                condition=models.Q(is_open=True),
                name="open_payments",
            ),
        )

    def __str__(self) -> str:
        return f"{self.status} payment of {self.order_id}"


class Refund(models.Model):
    """The undoing of an order's payment: a void, or money back if any was captured.

    `attempt` grows when a charge lands after it was undone: then it is undone again,
    under a new idempotency key, and an answer to the older attempt no longer counts.
    """

    order_id = models.UUIDField(primary_key=True)
    status = models.TextField(db_default=lifecycle.REQUESTED)
    attempt = models.SmallIntegerField(db_default=1)
    asked = models.SmallIntegerField(
        db_default=0, help_text="how often without an answer"
    )
    created = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())
    tried = models.DateTimeField(
        null=True, help_text="when it was last helped on since then"
    )
    sweeps = models.SmallIntegerField(
        db_default=0, help_text="how often since its status moved"
    )

    class Meta:
        constraints = (_one_of(lifecycle.REFUND, "refund"),)
        indexes = (
            models.Index(
                fields=("updated",),
                condition=models.Q(status=lifecycle.REQUESTED),
                name="refund_requested",
            ),
        )

    def __str__(self) -> str:
        return f"{self.status} refund of {self.order_id}"
