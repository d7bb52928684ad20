"""What people ask of one order: to call it off, or that its parcel is there."""

from django.db import transaction

from orders.errors import InvalidTransitionError, OrderNotFoundError
from orders.lifecycle import CANCELLED, MOVES, SHIPPED
from orders.models import Order
from orders.selectors import OrderId
from orders_project.messaging import outbox
from orders_project.messaging.events import DeliveryConfirmed, OrderCancelled, utc_now
from orders_project.messaging.models import LoggedEvent
from orders_project.messaging.rows import before


@transaction.atomic
def cancel_order(order_id: OrderId, *, reason: str = "customer") -> Order:
    """Cancel an order that has not been shipped; a cancelled one stays as it is.

    Raises InvalidTransitionError once it was shipped.
    """
    order = lock_order(order_id)
    if order.status == CANCELLED:
        return order
    if order.status not in before(MOVES, CANCELLED):
        raise InvalidTransitionError(order.id, order.status, CANCELLED)
    order.status, order.reason = CANCELLED, reason
    order.cancelled_at = order.updated_at = utc_now()
    order.save(update_fields=("status", "reason", "cancelled_at", "updated_at"))
    outbox.append(order.event(OrderCancelled, time=order.cancelled_at, reason=reason))
    return order


@transaction.atomic
def confirm_delivery(order_id: OrderId) -> Order:
    """Pass on, once, that the customer has the parcel; shipping marks it.

    Raises InvalidTransitionError unless the order is on its way.
    """
    order = lock_order(order_id)
    if order.status != SHIPPED:
        raise InvalidTransitionError(order.id, order.status, "confirmed as delivered")
    said = LoggedEvent.objects.filter(order_id=order.id, type=DeliveryConfirmed.type)
    if not said.exists():
        outbox.append(order.event(DeliveryConfirmed, time=utc_now()))
    return order


def lock_order(order_id: OrderId) -> Order:
    """Lock one order; raises OrderNotFoundError."""
    if (
        order := Order.objects.select_for_update(no_key=True)
        .filter(pk=order_id)
        .first()
    ):
        return order
    raise OrderNotFoundError
