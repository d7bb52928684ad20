"""Stock per sku, and what each order holds of it. The database keeps it sane."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inventory.lifecycle import TRANSITIONS


class StockItem(models.Model):
    """A sku's units: received is all that ever came in, and on_hand what is there.

    What may be promised to the next order is on_hand - reserved.
    """

    sku = models.TextField(primary_key=True)
    received = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    sold = models.IntegerField(default=0)
    on_hand = models.GeneratedField(
        expression=F("received") - F("sold"),
        output_field=models.IntegerField(),
        db_persist=True,
    )

    class Meta:
        ordering = ("sku",)
        constraints = (
            models.CheckConstraint(
                name="stock_never_negative", condition=Q(reserved__gte=0, sold__gte=0)
            ),
            models.CheckConstraint(
                name="never_more_promised_than_there",
                condition=Q(reserved__lte=F("received") - F("sold")),
            ),
        )

    def __str__(self) -> str:
        return self.sku


class Reservation(models.Model):
    """What one order holds. The first row wins: a cancellation may come before it."""

    order_id = models.UUIDField(primary_key=True)
    status = models.TextField(choices=[(status, status) for status in TRANSITIONS])
    made = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.status} for {self.order_id}"


class ReservationLine(models.Model):
    """So many units of one sku, for one order."""

    pk = models.CompositePrimaryKey("order_id", "sku")
    order_id = models.UUIDField()
    sku = models.TextField()
    quantity = models.PositiveIntegerField()

    class Meta:
        indexes = (models.Index(fields=("sku",), name="lines_of_a_sku"),)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku} for {self.order_id}"
