"""The demo's data: five thousand real-life orders with all their dirt.

See data/README.md for where they come from.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from orders.models import Product
from orders.pricing import Item

ORDERS = Path(__file__).parent / "data" / "superstore_orders.csv"
COUNTRIES = {"United States": "US"}
URGENT_SHIPPING = "Same Day"

Row = dict[str, str]


class PastOrder(NamedTuple):
    """An order of the data set. The same sku may be on two of its lines."""

    reference: str
    customer_ref: str
    country: str
    priority: str
    items: Sequence[Item]

    @property
    def email(self) -> str:
        """Made up, in a domain that no mail ever reaches (RFC 2606)."""
        return f"{self.customer_ref.lower()}@example.org"


class Catalogue(NamedTuple):
    """Products, and how many skus had several names or prices over the years."""

    products: Sequence[Product]
    dirty: int


def rows(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def products(files: Iterable[Path], *, currency: str) -> Catalogue:
    """Return each sku once; where its name or price changed, the newest counts."""
    entries: dict[str, list[Row]] = defaultdict(list)
    for row in (row for file in files for row in rows(file)):
        entries[row["sku"]].append(row)
    return Catalogue(
        [_product(sku, own, currency) for sku, own in sorted(entries.items())],
        sum(_is_dirty(own) for own in entries.values()),
    )


def _product(sku: str, own: Sequence[Row], currency: str) -> Product:
    *_, newest = sorted(own, key=lambda row: row["order_date"])
    return Product(
        sku=sku,
        name=newest["product_name"],
        category=newest["category"],
        sub_category=newest["sub_category"],
        unit_cents=int(newest["unit_cents"]),
        currency=currency,
        active=True,
    )


def _is_dirty(own: Sequence[Row]) -> bool:
    return len({(row["product_name"], row["unit_cents"]) for row in own}) > 1


@cache
def past_orders() -> Sequence[PastOrder]:
    """Return the orders of the data set in the order in which they were placed."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in rows(ORDERS):
        lines[row["order_ref"]].append(row)
    return [_past_order(own) for own in lines.values()]


def repeated(count: int) -> Iterator[PastOrder]:
    """Yield `count` orders, from the beginning again when the data set ends."""
    past = past_orders()
    for number in range(count):
        yield past[number % len(past)]


def _past_order(own: Sequence[Row]) -> PastOrder:
    first = own[0]
    return PastOrder(
        reference=first["order_ref"],
        customer_ref=first["customer_ref"],
        country=COUNTRIES[first["country"]],
        priority="urgent" if first["ship_mode"] == URGENT_SHIPPING else "normal",
        items=[Item(sku=row["sku"], quantity=int(row["quantity"])) for row in own],
    )
