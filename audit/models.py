"""What happened, chained so that no change goes unseen; and the figures of it."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

#: What is said of every order that comes to its door: whoever looks for one of these
#: finds it everywhere, and an index of them would be written nine times an order.
USUAL = (
    "inventory.committed",
    "inventory.reserved",
    "order.completed",
    "order.created",
    "order.paid",
    "order.shipped",
    "payment.success",
    "shipping.delivered",
    "shipping.prepared",
)


class AuditRecord(models.Model):
    """An event as it was said, the `seq`-th that was recorded of its order.

    `hash` is the SHA-256 of the order's previous hash and the body. A trigger in the
    database refuses UPDATE and DELETE.
    """

    event_id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField()
    seq = models.IntegerField()
    type = models.TextField()
    time = models.DateTimeField()
    body = models.TextField()
    previous_hash = models.TextField(blank=True)
    hash = models.TextField()

    class Meta:
        # The ids are UUIDv7: this is the order of time, and needs no further index.
        ordering = ("-event_id",)
        constraints = (
            models.UniqueConstraint(
                fields=("order_id", "seq"), name="one_record_at_each_place"
            ),
        )
        indexes = (
            # For the list of one type: a shop may have few of them among millions.
            models.Index(
                fields=("type", "event_id"),
                condition=~models.Q(type__in=USUAL),
                name="unusual_records",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type}, number {self.seq} of order {self.order_id}"


class OrderFact(models.Model):
    """One order, with the times of its milestones: every figure comes from it."""

    order_id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    reason = models.TextField(null=True)
    total_cents = models.BigIntegerField(null=True)
    currency = models.TextField(null=True)
    country = models.TextField(null=True)
    category = models.TextField(null=True)
    method = models.TextField(null=True)

    class Meta:
        # Rows lie in the order of time, so a summary of each range of pages finds an
        # hour, and costs a write next to nothing.
        indexes = (
            BrinIndex(
                fields=("created_at", "paid_at", "cancelled_at"),
                name="facts_by_time",
                autosummarize=True,
            ),
        )
        verbose_name = "order in figures"
        verbose_name_plural = "analytics"

    def __str__(self) -> str:
        return f"figures of order {self.order_id}"
