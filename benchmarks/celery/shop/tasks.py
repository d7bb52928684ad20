"""A task for each step, and one for every row that somebody else keeps of it."""

import json
from uuid import uuid4

from celery import chain, shared_task
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from shop.models import (
    Audit,
    Notification,
    Order,
    OrderLine,
    Payment,
    Reservation,
    Shipment,
    Stock,
)

MILESTONES = ("order.created", "order.paid", "order.shipped", "order.completed")
retried = shared_task(autoretry_for=(OperationalError,), retry_backoff=True)


def carry(order_id):
    """Start an order on its way; called after it is committed."""
    steps = (reserve, charge, sell, pay, prepare, ship, deliver, complete)
    chain(*(step.si(order_id) for step in steps)).delay()
    say("order.created", order_id)


def say(event, order_id):
    record.delay_on_commit(str(uuid4()), event, order_id)
    if event in MILESTONES:
        notify.delay_on_commit("email", event, order_id)
        notify.delay_on_commit("sms", event, order_id)


# ---- the steps of an order: run twice, each does its work once
@retried
@transaction.atomic
def reserve(order_id):
    lines = OrderLine.objects.filter(order_id=order_id).order_by("sku")
    held = [
        Reservation(order_id=order_id, sku=line.sku, quantity=line.quantity)
        for line in lines
    ]
    stock = lock_stock(held)
    if not Reservation.objects.filter(order_id=order_id).exists():
        Reservation.objects.bulk_create(held)
        for one in held:
            stock.filter(sku=one.sku).update(reserved=F("reserved") + one.quantity)
    say("inventory.reserved", order_id)


@retried
@transaction.atomic
def charge(order_id):
    total = Order.objects.values_list("total_cents", flat=True).get(id=order_id)
    defaults = {"amount_cents": total}
    Payment.objects.get_or_create(order_id=order_id, defaults=defaults)
    say("payment.success", order_id)


@retried
@transaction.atomic
def sell(order_id):
    held = Reservation.objects.filter(order_id=order_id, status="held")
    lines = list(held.order_by("sku"))
    stock = lock_stock(lines)
    if held.update(status="committed"):
        for one in lines:
            count = one.quantity
            stock.filter(sku=one.sku).update(
                reserved=F("reserved") - count,
                on_hand=F("on_hand") - count,
                sold=F("sold") + count,
            )
    say("inventory.committed", order_id)


def lock_stock(lines):
    stock = Stock.objects.filter(sku__in=[one.sku for one in lines])
    list(stock.order_by("sku").select_for_update())
    return Stock.objects.all()


@retried
@transaction.atomic
def pay(order_id):
    move(order_id, "created", "paid")


@retried
@transaction.atomic
def prepare(order_id):
    Shipment.objects.get_or_create(order_id=order_id)
    say("shipping.prepared", order_id)


@retried
@transaction.atomic
def ship(order_id):
    move(order_id, "paid", "shipped")


@retried
@transaction.atomic
def deliver(order_id):
    Shipment.objects.filter(order_id=order_id).update(status="delivered")
    say("shipping.delivered", order_id)


@retried
@transaction.atomic
def complete(order_id):
    move(order_id, "shipped", "completed")


def move(order_id, source, status):
    orders = Order.objects.filter(id=order_id, status=source)
    orders.update(status=status, updated_at=Now())
    say(f"order.{status}", order_id)


# ---- what others keep of it
@retried
def record(event_id, event, order_id):
    body = json.dumps({"id": event_id, "type": event, "subject": order_id})
    row = Audit(event_id=event_id, order_id=order_id, type=event, body=body)
    Audit.objects.bulk_create([row], ignore_conflicts=True)


@retried
def notify(channel, event, order_id):
    row = Notification(order_id=order_id, milestone=event, channel=channel)
    Notification.objects.bulk_create([row], ignore_conflicts=True)
