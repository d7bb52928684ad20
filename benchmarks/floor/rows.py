"""Orders as they are asked for, and the rows of one."""

import json
import os
import sys
from pathlib import Path

import tables

BATCH = 100


def batches():
    """Yield the orders of the file ORDERS that each line "FIRST LAST" asks for."""
    orders = json.loads(Path(os.environ["ORDERS"]).read_text())
    for line in sys.stdin:
        first, last = map(int, line.split())
        for start in range(first, last, BATCH):
            yield orders[start : min(start + BATCH, last)]


def store(cursor, orders):
    rows = [(one["id"], one["total_cents"]) for one in orders]
    tables.copy(cursor, "orders", "id, total_cents", rows)
    lines = [
        (one["id"], line["sku"], line["quantity"], line["unit_cents"])
        for one in orders
        for line in one["lines"]
    ]
    tables.copy(cursor, "order_lines", "order_id, sku, quantity, unit_cents", lines)
