"""No statement reads more of the stock's tables than its orders' own rows."""

import uuid

import pytest

from inventory.services import UNITS
from orders_project.database import sql
from orders_project.database.index_scans import BY_KEY

MANY_LINES = """
    INSERT INTO inventory_reservationline (order_id, sku, quantity)
    SELECT gen_random_uuid(), 'sku-' || mod(n, 200), 1
    FROM generate_series(1, 20000) AS n
"""


@pytest.mark.django_db
def test_the_units_of_a_batch_are_found_by_order_even_where_nothing_is_analyzed():
    sql.run(MANY_LINES)
    sql.run(BY_KEY.replace("SET ", "SET LOCAL "))
    orders = [str(uuid.uuid4()) for _ in range(500)]
    plan = "\n".join(line for (line,) in sql.fetch(f"EXPLAIN {UNITS}", [orders]))
    assert "inventory_reservationline_pkey" in plan
    assert "lines_of_a_sku" not in plan, plan
