"""From what a client asks for to lines at the catalogue's prices."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from orders.errors import InvalidOrderError, PriceChangedError, UnknownProductError
from orders_project.database import sql
from orders_project.errors import FieldError
from orders_project.messaging.events import new_id

MAX_QUANTITY = 1000

CATALOGUE = """
    SELECT sku, name, category, unit_cents, currency, statement_timestamp()
    FROM orders_product WHERE sku = ANY(%s) AND active
"""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many of a sku; `unit_cents` is the price that the client saw, as a check."""

    sku: str
    quantity: int = 1
    unit_cents: int | None = None


def in_items(position: int, field: str) -> str:
    """Name a field of an item as it is called in an order's usual form."""
    return f"items[{position}].{field}"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order to be placed. `customer_id` is a login, `customer_ref` just a label.

    `key` is the client's Idempotency-Key, if it gave one. `name_of` says how the client
    called a field of an item.
    """

    items: Sequence[Item]
    method: str = "prepaid"
    payment_token: str = "tok_ok"  # noqa: S105 - the simulated gateway's word
    country: str = "US"
    email: str = ""
    phone: str = ""
    priority: str = "normal"
    reference: str = ""
    customer_ref: str = ""
    customer_id: int | None = None
    trace: str = ""
    key: str = ""
    name_of: Callable[[int, str], str] = in_items
    id: str = msgspec.field(default_factory=new_id)


class Entry(NamedTuple):
    """A product as it is sold at this moment, by the server's clock."""

    sku: str
    name: str
    category: str
    unit_cents: int
    currency: str
    moment: datetime


class Basket(NamedTuple):
    """The products of one order, and how many of each it wants altogether."""

    entries: Mapping[str, Entry]
    quantities: Counter[str]


def catalogue(requests: Sequence[NewOrder]) -> dict[str, Entry]:
    """Return every product that these orders ask for, with one query."""
    skus = {item.sku for request in requests for item in request.items}
    return {row[0]: Entry(*row) for row in sql.fetch(CATALOGUE, [sorted(skus)])}


def price(request: NewOrder, entries: Mapping[str, Entry]) -> list[tuple[Entry, int]]:
    """Return each product once, with its quantity, in the order of the items.

    Raises UnknownProductError, PriceChangedError or InvalidOrderError.
    """
    basket = Basket(entries, Counter())
    for item in request.items:
        basket.quantities[item.sku] += item.quantity
    for error, field, complaint in CHECKS:
        texts = [complaint(item, basket) for item in request.items]
        if any(texts):
            raise error(list(_named(request, field, texts)))
    return [(entries[sku], count) for sku, count in basket.quantities.items()]


def _named(request: NewOrder, field: str, texts: Sequence[str]) -> Iterator[FieldError]:
    for position, text in enumerate(texts):
        if text:
            yield FieldError(field=request.name_of(position, field), detail=text)


def _unknown(item: Item, basket: Basket) -> str:
    if item.sku in basket.entries:
        return ""
    return f"{item.sku!r} is not in the catalogue."


def _changed(item: Item, basket: Basket) -> str:
    entry = basket.entries[item.sku]
    if item.unit_cents in (None, entry.unit_cents):
        return ""
    return f"{item.sku} costs {entry.unit_cents} {entry.currency} cents now."


def _too_many(item: Item, basket: Basket) -> str:
    if basket.quantities[item.sku] <= MAX_QUANTITY:
        return ""
    return (
        f"{basket.quantities[item.sku]} of {item.sku} altogether; "
        f"{MAX_QUANTITY} are allowed."
    )


def _foreign(item: Item, basket: Basket) -> str:
    first = basket.entries[next(iter(basket.quantities))]
    if basket.entries[item.sku].currency == first.currency:
        return ""
    return f"{item.sku} is not sold in {first.currency} like the first item."


#: What is wrong with an item, if anything: the first kind that is found is raised.
CHECKS: Sequence[
    tuple[
        type[UnknownProductError | PriceChangedError | InvalidOrderError],
        str,
        Callable[[Item, Basket], str],
    ]
] = (
    (UnknownProductError, "sku", _unknown),
    (PriceChangedError, "unit_cents", _changed),
    (InvalidOrderError, "quantity", _too_many),
    (InvalidOrderError, "sku", _foreign),
)
