"""The tables of schema.sql."""

from django.db import models
from django.db.models.functions import Now


class Order(models.Model):
    id = models.UUIDField(primary_key=True)
    status = models.TextField(default="created")
    email = models.TextField(default="ada@example.org")
    phone = models.TextField(default="+4912345")
    total_cents = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "orders"


class OrderLine(models.Model):
    pk = models.CompositePrimaryKey("order_id", "sku")
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    sku = models.TextField()
    quantity = models.IntegerField()
    unit_cents = models.IntegerField()

    class Meta:
        managed = False
        db_table = "order_lines"


class Stock(models.Model):
    sku = models.TextField(primary_key=True)
    on_hand = models.IntegerField()
    reserved = models.IntegerField()
    sold = models.IntegerField()

    class Meta:
        managed = False
        db_table = "stock"


class Reservation(models.Model):
    pk = models.CompositePrimaryKey("order_id", "sku")
    order_id = models.UUIDField()
    sku = models.TextField()
    quantity = models.IntegerField()
    status = models.TextField(default="held")

    class Meta:
        managed = False
        db_table = "reservations"


class Payment(models.Model):
    order_id = models.UUIDField(primary_key=True)
    amount_cents = models.BigIntegerField()
    status = models.TextField(default="captured")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "payments"


class Shipment(models.Model):
    order_id = models.UUIDField(primary_key=True)
    status = models.TextField(default="prepared")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "shipments"


class Audit(models.Model):
    event_id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField()
    type = models.TextField()
    body = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "audit"


class Notification(models.Model):
    pk = models.CompositePrimaryKey("order_id", "milestone", "channel")
    order_id = models.UUIDField()
    milestone = models.TextField()
    channel = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "notifications"
