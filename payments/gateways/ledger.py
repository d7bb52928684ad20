"""The simulated gateway's own books: its two tables, and nothing of ours.

They stand in our database only because the simulator has no other; it writes them in
transactions of its own, as the books of a real gateway would be.
"""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class GatewayAccount(models.Model):
    """An order as the gateway knows it. `closed` by a void: the tombstone.

    Its row is the lock that makes a capture and a void of one order take turns.
    """

    order_id = models.UUIDField(primary_key=True)
    closed = models.BooleanField()

    class Meta:
        db_table = "gateway_account"

    def __str__(self) -> str:
        return f"gateway account of {self.order_id}"


class GatewayEntry(models.Model):
    """The answer a key got, for ever. Append-only; balances are sums of entries."""

    key = models.TextField(primary_key=True)
    order_id = models.UUIDField(db_index=True)
    operation = models.TextField()
    state = models.TextField()
    reason = models.TextField()
    amount_cents = models.BigIntegerField()
    currency = models.TextField()
    reference = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "gateway_entry"
        indexes = (
            BrinIndex(fields=("at",), name="entries_by_time", autosummarize=True),
        )
        verbose_name_plural = "gateway entries"

    def __str__(self) -> str:
        return f"{self.state} {self.amount_cents} under {self.key}"
