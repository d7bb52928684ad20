"""What may be seen of orders, and by whom. Reads only."""

from collections.abc import Iterator
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from orders import tokens
from orders.errors import OrderNotFoundError
from orders.models import Order
from orders_project.messaging.models import LoggedEvent

OrderId: TypeAlias = UUID | str
Reader: TypeAlias = AbstractUser | AnonymousUser

#: Kept out of what is shown of an event: it is nobody's business on a timeline.
PRIVATE = {"email", "phone", "payment_token"}


def visible_orders(user: Reader) -> QuerySet[Order]:
    """Return a login's own orders; staff see all, and nobody else any."""
    if not user.is_authenticated:
        return Order.objects.none()
    orders = Order.objects.prefetch_related("lines")
    return orders if user.is_staff else orders.filter(customer_id=user.pk)


def order_seen_by(user: Reader, order_id: OrderId, token: str) -> Order:
    """Return an order to its owner, to staff, or to who holds its order_token.

    Raises OrderNotFoundError for anybody else, whether it exists or not.
    """
    if token and tokens.opens(token, order_id):
        return order_with_lines(order_id)
    if order := visible_orders(user).filter(pk=order_id).first():
        return order
    raise OrderNotFoundError


def order_with_lines(order_id: OrderId) -> Order:
    """Return an order whatever the reader; raises OrderNotFoundError."""
    if order := Order.objects.prefetch_related("lines").filter(pk=order_id).first():
        return order
    raise OrderNotFoundError


def timeline(order_id: OrderId) -> Iterator[dict[str, Any]]:
    """Yield every event of an order, oldest first, without personal data."""
    for event in LoggedEvent.objects.filter(order_id=order_id):
        data = msgspec.json.decode(event.body).get("data", {})
        yield {
            "id": event.id,
            "type": event.type,
            "time": event.time,
            "cause": event.cause,
            "data": {name: data[name] for name in data if name not in PRIVATE},
        }
