"""New orders: any number with a fixed number of statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from orders.errors import KeyReusedError
from orders.models import PRIORITIES, Order, OrderLine
from orders.pricing import Entry, NewOrder, catalogue, price
from orders.selectors import order_with_lines
from orders.services.together import Together
from orders_project.errors import ProblemError
from orders_project.messaging import outbox, sql
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import Line, OrderCreated, utc_now
from orders_project.messaging.planned import Planned

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
TAKE_KEY = """
    INSERT INTO orders_idempotencykey (owner, key, body_hash, order_id)
    VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
SEEN_KEY = """
    SELECT body_hash, order_id::text FROM orders_idempotencykey
    WHERE owner = %s AND key = %s
"""


class Placed(NamedTuple):
    """An order, and whether it had been placed by an earlier try of this request."""

    order: Order
    replayed: bool


@transaction.atomic
def place_orders(requests: Sequence[NewOrder]) -> list[Order]:
    """Store these orders at the catalogue's prices and say that they were created.

    All or none. Raises UnknownProductError, PriceChangedError, InvalidOrderError.
    """
    entries, now = catalogue(requests), utc_now()
    return _store([_order(request, entries, now) for request in requests])


@transaction.atomic
def place_each(requests: Sequence[NewOrder]) -> list[Order | ProblemError]:
    """Store those of these orders that are valid; return the error of each other."""
    entries, now = catalogue(requests), utc_now()
    tried = [_tried(request, entries, now) for request in requests]
    _store([one for one in tried if isinstance(one, Order)])
    return tried


#: Place one order, in one transaction with those that come at the same time. Not with
#: a key: who waits for another's key would hold up all of them.
place_together = Together(place_each)


@transaction.atomic
def place_once(request: NewOrder, key: str) -> Placed:
    """Place an order unless the same login sent this key before.

    The key's row is in the order's own transaction: who comes at the same time waits
    for its unique index, and a first try that fails leaves no key behind. Raises
    KeyReusedError if the key stands for another order.
    """
    owner = owner_of(request)
    wanted = fingerprint(request)
    if sql.run(TAKE_KEY, [owner, key, wanted, request.id]):
        return Placed(place_orders([request])[0], replayed=False)
    [(seen, order_id)] = sql.fetch(SEEN_KEY, [owner, key])
    if seen != wanted:
        raise KeyReusedError
    return Placed(order_with_lines(order_id), replayed=True)


def _tried(
    request: NewOrder, entries: Mapping[str, Entry], now: datetime
) -> Order | ProblemError:
    try:
        return _order(request, entries, now)
    except ProblemError as error:
        return error


def _store(orders: list[Order]) -> list[Order]:
    lines = (line for order in orders for line in order.content)
    sql.run(STORE, [_rows(orders, OF_ORDER), _rows(lines, OF_LINE)])
    outbox.append(*(_created(order) for order in orders))
    crash_point("placing: before the commit")
    return orders


def owner_of(request: NewOrder) -> str:
    """Return whose an order's idempotency key is: two guests may use the same one.

    A guest is known by a hash of what reaches them, the same in each of their tries.
    """
    if request.customer_id:
        return f"user {request.customer_id}"
    contact = msgspec.json.encode([request.email, request.phone])
    return f"guest {sha256(contact).hexdigest()}"


def fingerprint(request: NewOrder) -> str:
    """Return a hash of what is ordered; id and trace differ from try to try."""
    same = msgspec.structs.replace(request, id="", trace="")
    return sha256(msgspec.json.encode(same)).hexdigest()


def _order(request: NewOrder, entries: Mapping[str, Entry], now: datetime) -> Order:
    priced = price(request.items, entries)
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
        created_at=now,
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
