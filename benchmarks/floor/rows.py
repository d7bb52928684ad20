"""The rows of an order."""

import tables


def store(cursor, orders):
    rows = [(one["id"], one["total_cents"]) for one in orders]
    tables.copy(cursor, "orders", "id, total_cents", rows)
    lines = [
        (one["id"], line["sku"], line["quantity"], line["unit_cents"])
        for one in orders
        for line in one["lines"]
    ]
    tables.copy(cursor, "order_lines", "order_id, sku, quantity, unit_cents", lines)
