"""The parcel of each order. The carrier's own books are in carriers/."""

from django.db import models
from django.db.models.functions import Now

from orders_project.messaging.events import NORMAL
from shipping import lifecycle

# Django finds an app's tables here; this one belongs to the simulated carrier.
from shipping.carriers.ledger import CarrierParcel

__all__ = ["CarrierParcel", "Shipment"]


class Shipment(models.Model):
    """One order's parcel, keyed by the order: whatever arrives first makes the row.

    It keeps the event that led to it, so that what is said later names its cause. A
    cancelled one without a country was never opened.
    """

    order_id = models.UUIDField(primary_key=True)
    status = models.TextField()
    carrier = models.TextField(db_default="")
    tracking = models.TextField(db_default="")
    country = models.TextField(db_default="")
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
            models.CheckConstraint(
                condition=models.Q(status__in=sorted(lifecycle.SHIPMENT)),
                name="shipment_status",
            ),
        )
        indexes = (
            models.Index(
                fields=("order_id",),
                condition=models.Q(is_open=True),
                name="open_shipments",
            ),
        )

    def __str__(self) -> str:
        return f"{self.status} shipment of {self.order_id}"
