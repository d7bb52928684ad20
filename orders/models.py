"""The tables of this app: what is sold, who ordered what, and what went wrong."""

from copy import copy
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from orders import lifecycle
from orders_project import skus
from orders_project.messaging.events import METHODS, NORMAL, URGENT, Event
from orders_project.money import money, why_not

E = TypeVar("E", bound=Event)

#: What a client says -> the priority of every event of its order.
PRIORITIES = {"normal": NORMAL, "urgent": URGENT}
#: What is unknown of a new order.
TIMES = ("paid_at", "shipped_at", "delivered_at", "completed_at", "cancelled_at")


def choices(*words: str) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class Product(models.Model):
    """An entry of the catalogue. Prices come from here, never from a request."""

    sku = models.TextField(primary_key=True, validators=[skus.validate])
    name = models.TextField()
    category = models.TextField()
    sub_category = models.TextField(blank=True)
    unit_cents = models.PositiveIntegerField(help_text="price in minor units")
    currency = models.CharField(max_length=3)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("sku",)

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    def clean(self) -> None:
        if why := why_not(self.currency):
            raise ValidationError({"currency": f"{self.currency!r} {why}."})


class Order(models.Model):
    """What a customer ordered, at the prices of that moment, and how far it got.

    `customer_ref` is the client's own label for its customer, never a login.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    reference = models.TextField(blank=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False
    )
    customer_ref = models.TextField(blank=True)
    email = models.TextField(blank=True)
    phone = models.TextField(blank=True)
    status = models.TextField(
        choices=choices(*lifecycle.STATUSES), default=lifecycle.PENDING
    )
    reason = models.TextField(blank=True, db_default="")
    method = models.TextField(choices=choices(*METHODS))
    payment_token = models.TextField()
    priority = models.TextField(choices=choices(*PRIORITIES))
    country = models.CharField(max_length=2)
    category = models.TextField()
    currency = models.CharField(max_length=3)
    total_cents = models.BigIntegerField()
    trace = models.TextField(help_text="W3C traceparent of the request")
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(db_default=Now())
    nudges = models.SmallIntegerField(db_default=0)
    # The one indexed column that changes, and only at the end: so every update before
    # stays within its page, and writes no index entry.
    is_open = models.GeneratedField(
        expression=models.Q(status__in=lifecycle.OPEN),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        indexes = (
            models.Index(
                fields=("id",), name="open_orders", condition=models.Q(is_open=True)
            ),
            models.Index(
                fields=("customer", "id"),
                name="orders_of_customer",
                condition=models.Q(customer__isnull=False),
            ),
            models.Index(
                fields=("reference",),
                name="orders_by_reference",
                condition=~models.Q(reference=""),
            ),
            # For the people whom customers call, at some microseconds an order.
            models.Index(
                fields=("email",),
                name="orders_by_email",
                condition=~models.Q(email=""),
            ),
            # Rows lie in the order of their creation, so a few pages of index do.
            BrinIndex(
                fields=("created_at",), name="orders_by_time", autosummarize=True
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=lifecycle.STATUSES),
                name="order_status_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    @cached_property
    def content(self) -> "list[OrderLine]":
        """The lines in the order in which they were asked for."""
        return list(self.lines.all())

    @property
    def total(self) -> str:
        return money(self.total_cents, self.currency)

    def as_placed(self) -> "Order":
        """Return a copy as it was in the moment of its placing."""
        order = copy(self)
        order.status, order.reason = lifecycle.PENDING, ""
        for name in TIMES:
            setattr(order, name, None)
        return order

    def event(self, what: type[E], *, time: datetime, **data: Any) -> E:
        """Return the event `what` of this order, for what no other event caused."""
        return what(
            order_id=str(self.id),
            time=time,
            trace=self.trace,
            priority=PRIORITIES[self.priority],
            **data,
        )


class OrderLine(models.Model):
    """So many units of one sku; name and price are those of the moment of ordering."""

    order = models.ForeignKey(
        Order, models.CASCADE, related_name="lines", db_index=False
    )
    sku = models.TextField()
    name = models.TextField()
    quantity = models.PositiveIntegerField()
    unit_cents = models.PositiveIntegerField()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("order", "sku"), name="one_line_per_sku"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class IdempotencyKey(models.Model):
    """A client's key, in the transaction of the order that it stands for.

    `owner` is the login it is bound to, or a guest by a hash of their contact.
    """

    pk = models.CompositePrimaryKey("owner", "key")
    owner = models.TextField()
    key = models.TextField()
    body_hash = models.TextField()
    order_id = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="keys_in_time"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.owner}"


class FailedOrder(models.Model):
    """An order that failed on its way, on the desk of the people who look after it."""

    event_id = models.UUIDField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="failures")
    reason = models.TextField(db_index=True)
    detail = models.TextField(blank=True)
    failed_at = models.DateTimeField(db_index=True)
    replaced_by = models.ForeignKey(
        Order, models.SET_NULL, null=True, related_name="replaces"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        limit_choices_to={"is_staff": True},
        help_text="Who looks after it.",
    )
    note = models.TextField(blank=True, db_default="")

    class Meta:
        ordering = ("-failed_at",)

    def __str__(self) -> str:
        return f"{self.order_id}: {self.reason}"
