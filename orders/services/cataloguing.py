"""The catalogue: what is sold, and for how much."""

from collections.abc import Sequence

from orders.errors import InvalidSkuError
from orders.models import Product
from orders_project import skus
from orders_project.database import sql

# In the order of the table's columns.
NAMES = "sku, name, category, sub_category, unit_cents, currency, active"
# What is as it was stays untouched, and is not returned.
LOAD = f"""
    INSERT INTO orders_product AS p ({NAMES})
    SELECT {NAMES} FROM jsonb_to_recordset(%s) AS n(sku text, name text, category text,
        sub_category text, unit_cents int, currency text, active bool)
    ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET ({NAMES}) = ROW(excluded.*)
    WHERE p.* IS DISTINCT FROM excluded.*
    RETURNING xmax = 0
"""


def load_products(products: Sequence[Product]) -> tuple[int, int]:
    """Put products into the catalogue; returns how many are new and changed.

    Raises InvalidSkuError, and then loads none.
    """
    if wrong := [one.sku for one in products if not skus.is_sound(one.sku)]:
        raise InvalidSkuError(wrong)
    fields = NAMES.split(", ")
    entries = ({name: getattr(one, name) for name in fields} for one in products)
    fresh = [new for (new,) in sql.fetch(LOAD, [sql.rows(entries)])]
    return fresh.count(True), fresh.count(False)
