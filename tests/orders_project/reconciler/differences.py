"""How apps, gateway and carrier come to differ, time passes, and that is told."""

from datetime import timedelta
from io import StringIO

from django.core.management import CommandError, call_command
from django.db.models import F

from inventory.models import Reservation
from orders.models import Order
from orders_project.messaging.events import new_id
from orders_project.messaging.models import Nudge
from orders_project.reconciler.checks import CHECKS
from payments.gateways import gateway
from payments.gateways.ledger import GatewayAccount, GatewayEntry
from payments.models import Payment, Refund
from shipping.models import CarrierParcel, Shipment
from tests.bus import carry

MOVED = {
    Order: ("updated_at",), Payment: ("updated", "tried"), Refund: ("updated", "tried"),
    Reservation: ("made",), Shipment: ("updated", "tried"), Nudge: ("at",),
    GatewayEntry: ("at",), CarrierParcel: ("booked", "taken"),
}  # fmt: skip


def pump_until(reached):
    while not reached().exists():
        assert carry()


def net(order):
    """Return what the gateway has of an order, in cents."""
    (balance,) = gateway().lookup([str(order.pk)])
    return balance.captured_cents - balance.refunded_cents


def enters(order_id, state, cents):
    """Let the gateway's books say something that we never heard of."""
    GatewayAccount.objects.get_or_create(order_id=order_id, defaults={"closed": False})
    GatewayEntry.objects.create(
        key=new_id(),
        order_id=order_id,
        operation="by hand",
        state=state,
        reason="",
        amount_cents=cents,
        currency="USD",
        reference="",
    )


def set_to(model, order, **values):
    model.objects.filter(pk=order.pk).update(**values)


def an_hour_passes():
    minutes_pass(60)


def minutes_pass(count):
    for model, columns in MOVED.items():
        ago = {one: F(one) - timedelta(minutes=count) for one in columns}
        model.objects.update(**ago)


def reconcile(*words):
    """Return (what the command prints, whether something is left)."""
    out, left = StringIO(), False
    try:
        call_command("reconcile", *words, stdout=out, stderr=StringIO())
    except CommandError:
        left = True
    return out.getvalue(), left


def sentence(cause):
    (check,) = [one for one in CHECKS if one.name == cause]
    return check.sentence
