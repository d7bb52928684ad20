"""New orders: any number with a fixed number of statements."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from orders.errors import KeyReusedError
from orders.models import PRIORITIES, Order, OrderLine
from orders.pricing import Entry, NewOrder, catalogue, price
from orders.selectors import order_with_lines
from orders.services import keys
from orders.services.together import Together
from orders_project.database import sql
from orders_project.database.planned import Planned
from orders_project.errors import ProblemError
from orders_project.messaging import outbox
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import Line, OrderCreated

#: What is stored of a new order and of its lines, and as which SQL type.
OF_ORDER = {
    "id": "uuid",
    "reference": "text",
    "customer_id": "int",
    "customer_ref": "text",
    "email": "text",
    "phone": "text",
    "status": "text",
    "method": "text",
    "payment_token": "text",
    "priority": "text",
    "country": "text",
    "category": "text",
    "currency": "text",
    "total_cents": "bigint",
    "trace": "text",
    "created_at": "timestamptz",
}
OF_LINE = {
    "order_id": "uuid",
    "sku": "text",
    "name": "text",
    "quantity": "int",
    "unit_cents": "int",
}


def _insert(table: str, columns: Mapping[str, str]) -> str:
    names = ", ".join(columns)
    types = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return (
        f"INSERT INTO {table} ({names}) SELECT {names} "
        f"FROM jsonb_to_recordset(%s) AS r({types})"
    )


STORE = Planned(
    f"WITH stored AS ({_insert('orders_order', OF_ORDER)}) "
    f"{_insert('orders_orderline', OF_LINE)}"
)


class Placed(NamedTuple):
    """An order, and whether it had been placed by an earlier try of this request."""

    order: Order
    replayed: bool = False


@transaction.atomic
def place_orders(requests: Sequence[NewOrder]) -> list[Order]:
    """Store these orders at the catalogue's prices and say that they were created.

    All or none. Raises UnknownProductError, PriceChangedError, InvalidOrderError.
    """
    entries = catalogue(requests)
    return _store([_order(request, entries) for request in requests])


@transaction.atomic
def place_each(requests: Sequence[NewOrder]) -> list[Placed | ProblemError]:
    """Place those of these orders that are valid; return the error of each other.

    Whose key came before gets the order of that try, be it valid now or not, or
    KeyReusedError if it had another body.
    """
    orders, wrong = _try(requests)
    late = keys.take(one for one in requests if one.id in orders)
    new = {name: Placed(one) for name, one in orders.items() if name not in late}
    _store([placed.order for placed in new.values()])
    again = [one for one in requests if one.key and one.id not in new]
    answers = new | wrong | _earlier(again)
    return [answers[one.id] for one in requests]


#: Place one order, in one transaction with those that come at the same time.
place_together = Together(place_each)


def _try(
    requests: Sequence[NewOrder],
) -> tuple[dict[str, Order], dict[str, ProblemError]]:
    """Return, by their ids, the orders to store, and what is wrong with the others."""
    entries = catalogue(requests)
    orders, wrong = {}, {}
    for request in requests:
        try:
            orders[request.id] = _order(request, entries)
        except ProblemError as error:
            wrong[request.id] = error
    return orders, wrong


def _earlier(requests: Sequence[NewOrder]) -> dict[str, Placed | ProblemError]:
    return {
        name: Placed(order_with_lines(first), replayed=True)
        if first
        else KeyReusedError()
        for name, first in keys.seen(requests).items()
    }


def _store(orders: list[Order]) -> list[Order]:
    lines = (line for order in orders for line in order.content)
    sql.run(STORE, [_rows(orders, OF_ORDER), _rows(lines, OF_LINE)])
    outbox.append(*(_created(order) for order in orders))
    crash_point("placing: before the commit")
    return orders


def _order(request: NewOrder, entries: Mapping[str, Entry]) -> Order:
    priced = price(request, entries)
    first = priced[0][0]
    order = Order(
        id=UUID(request.id),
        reference=request.reference,
        customer_id=request.customer_id,
        customer_ref=request.customer_ref,
        email=request.email,
        phone=request.phone,
        method=request.method,
        payment_token=request.payment_token,
        priority=request.priority,
        country=request.country,
        category=first.category,
        currency=first.currency,
        total_cents=sum(entry.unit_cents * count for entry, count in priced),
        trace=request.trace,
        # Not by our own clock: one that is an hour slow would let it expire at once.
        created_at=first.moment,
    )
    order.content = [_line(order, entry, count) for entry, count in priced]
    return order


def _line(order: Order, entry: Entry, quantity: int) -> OrderLine:
    return OrderLine(
        order=order,
        sku=entry.sku,
        name=entry.name,
        quantity=quantity,
        unit_cents=entry.unit_cents,
    )


def _rows(stored: Iterable[Order | OrderLine], columns: Iterable[str]) -> str:
    return sql.rows({name: getattr(one, name) for name in columns} for one in stored)


def _created(order: Order) -> OrderCreated:
    return OrderCreated(
        order_id=str(order.id),
        time=order.created_at,
        trace=order.trace,
        priority=PRIORITIES[order.priority],
        lines=tuple(
            Line(sku=line.sku, quantity=line.quantity, unit_cents=line.unit_cents)
            for line in order.content
        ),
        total_cents=order.total_cents,
        currency=order.currency,
        method=order.method,
        payment_token=order.payment_token,
        country=order.country,
        category=order.category,
        email=order.email,
        phone=order.phone,
    )
