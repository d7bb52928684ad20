"""What may be seen of orders, and by whom. Reads only."""

from operator import itemgetter
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import QuerySet

from orders import tokens
from orders.errors import MayNotChangeError, OrderNotFoundError
from orders.models import Order
from orders_project.database import sql
from orders_project.messaging.events import PRIVATE
from orders_project.messaging.models import LoggedEvent, Nudge
from orders_project.messaging.nudging import MACHINES

OrderId: TypeAlias = UUID | str
Reader: TypeAlias = AbstractUser | AnonymousUser

#: Who asks for something to be done with an order. Customers read STAFF for any name.
CUSTOMER, STAFF = "customer", "staff"
#: What it takes to see, and to cancel or confirm, orders that are not one's own.
VIEW, CHANGE = "orders.view_order", "orders.change_order"

# From each value to the next in the index: a DISTINCT would read all failures.
ON_DESK = """
    WITH RECURSIVE found AS (
        SELECT min({0}) AS {0} FROM orders_failedorder
        UNION ALL
        SELECT (SELECT min({0}) FROM orders_failedorder WHERE {0} > found.{0})
        FROM found WHERE {0} IS NOT NULL
    )
    SELECT {0} FROM found WHERE {0} IS NOT NULL
"""


def visible_orders(user: Reader) -> QuerySet[Order]:
    """Return a login's own orders; who may view orders sees all, and a guest none."""
    orders = Order.objects.all() if user.has_perm(VIEW) else own_orders(user)
    return orders.prefetch_related("lines")


def own_orders(user: Reader) -> QuerySet[Order]:
    if not user.is_authenticated:
        return Order.objects.none()
    return Order.objects.filter(customer_id=user.pk)


def order_seen_by(user: Reader, order_id: OrderId, token: str) -> Order:
    """Return an order to its customer, or to who may view orders.

    Raises OrderNotFoundError for anybody else, whether it exists or not.
    """
    if is_customer(user, order_id, token) or user.has_perm(VIEW):
        return order_with_lines(order_id)
    raise OrderNotFoundError


def asker(user: Reader, order_id: OrderId, token: str) -> str:
    """Say who wants to change an order: its CUSTOMER, or STAFF who may.

    Raises MayNotChangeError for who may only view orders, and OrderNotFoundError for
    anybody else, whether it exists or not.
    """
    if is_customer(user, order_id, token):
        return CUSTOMER
    if user.has_perm(CHANGE):
        return STAFF
    raise MayNotChangeError if user.has_perm(VIEW) else OrderNotFoundError


def is_customer(user: Reader, order_id: OrderId, token: str) -> bool:
    """Tell whether it is the order's owner, or who holds its order_token."""
    if token and tokens.opens(token, order_id):
        return True
    return own_orders(user).filter(pk=order_id).exists()


def order_with_lines(order_id: OrderId) -> Order:
    """Return an order whatever the reader; raises OrderNotFoundError."""
    if order := Order.objects.prefetch_related("lines").filter(pk=order_id).first():
        return order
    raise OrderNotFoundError


def timeline(order_id: OrderId, *, for_staff: bool) -> list[dict[str, Any]]:
    """Return every event and nudge of an order, oldest first, no personal data.

    Who of the staff gave a nudge is for staff to know.
    """
    events = LoggedEvent.objects.filter(order_id=order_id)
    entries = [_event(event) for event in events]
    for nudge in Nudge.objects.filter(order_id=order_id):
        named = for_staff or nudge.by in MACHINES
        entries.append(_nudge(nudge, nudge.by if named else STAFF))
    return sorted(entries, key=itemgetter("time"))


def failure_reasons() -> list[str]:
    """Return why orders failed: the reasons that are on the desk."""
    return [reason for (reason,) in sql.fetch(ON_DESK.format("reason"))]


def desk_people() -> list[tuple[str, str]]:
    """Return who looks after failed orders: (number, name)."""
    ids = [person for (person,) in sql.fetch(ON_DESK.format("person_id"))]
    people = get_user_model().objects.filter(pk__in=ids)
    return [(str(one.pk), one.get_username()) for one in people]


def _event(event: LoggedEvent) -> dict[str, Any]:
    data = msgspec.json.decode(event.body).get("data", {})
    return {
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "cause": event.cause,
        "data": {name: data[name] for name in data if name not in PRIVATE},
    }


def _nudge(nudge: Nudge, by: str) -> dict[str, Any]:
    return {
        "id": nudge.id,
        "type": "nudged",
        "time": nudge.at,
        "cause": None,
        "data": {"what": nudge.what, "by": by},
    }
