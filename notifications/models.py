"""Whom an order's messages go to, and one row for every message."""

from django.db import models
from django.db.models.functions import Now

from notifications.lifecycle import FAILED, PENDING, SENDING, STATUSES


class Recipient(models.Model):
    """Who ordered and what: only order.created says it, every message needs it."""

    order_id = models.UUIDField(primary_key=True)
    email = models.TextField(blank=True)
    phone = models.TextField(blank=True)
    total_cents = models.BigIntegerField()
    currency = models.TextField()
    lines = models.JSONField()

    def __str__(self) -> str:
        return f"recipient of order {self.order_id}"


class Notification(models.Model):
    """One message for a milestone of an order on a channel; there is never a second.

    `detail` is the tracking number or why the order was cancelled; `reason` says why
    the message was not sent.
    """

    order_id = models.UUIDField()
    milestone = models.TextField()
    channel = models.TextField()
    status = models.TextField(choices=STATUSES, db_default=PENDING)
    due = models.DateTimeField(db_default=Now())
    attempts = models.SmallIntegerField(db_default=0)
    detail = models.TextField(blank=True, db_default="")
    reason = models.TextField(blank=True, db_default="")
    changed = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("order_id", "milestone", "channel"), name="notified_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("channel", "due"),
                condition=models.Q(status=PENDING),
                name="notification_due",
            ),
            # What people look for, among all that was ever sent.
            models.Index(
                fields=("status", "id"),
                condition=models.Q(status__in=(FAILED, SENDING)),
                name="notification_unsent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.milestone} by {self.channel} of order {self.order_id}"
