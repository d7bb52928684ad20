"""Store a hundred orders at once, and say at once all that will be said of them."""

import json
import os
import sys
import uuid
from pathlib import Path

import bus
import msgspec
import tables

BATCH = 100
#: What is said of an order, in this order, and by whom.
EVENTS = (
    "order.created", "inventory.reserved", "payment.success", "inventory.committed",
    "order.paid", "shipping.prepared", "order.shipped", "shipping.delivered",
    "order.completed",
)  # fmt: skip
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def event(kind, order):
    """Make an event as long as Waybill's."""
    created = kind == "order.created"
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/{kind.split('.')[0]}",
        "type": kind,
        "subject": order["id"],
        "time": "2026-11-21T11:04:16.829025Z",
        "dataschema": f"/schemas/{kind}/1",
        "data": order if created else {"total_cents": order["total_cents"]},
        "causationid": str(uuid.uuid4()),
        "traceparent": TRACE,
    }


def store(database, orders):
    with database, database.cursor() as cursor:
        rows = [(one["id"], one["total_cents"]) for one in orders]
        tables.copy(cursor, "orders", "id, total_cents", rows)
        lines = [
            (one["id"], line["sku"], line["quantity"], line["unit_cents"])
            for one in orders
            for line in one["lines"]
        ]
        columns = "order_id, sku, quantity, unit_cents"
        tables.copy(cursor, "order_lines", columns, lines)


def messages(orders):
    for kind in EVENTS:
        yield kind, msgspec.json.encode([event(kind, order) for order in orders])


orders = json.loads(Path(os.environ["ORDERS"]).read_text())
database, publisher = tables.connect(), bus.Publisher()
for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        batch = orders[start : min(start + BATCH, last)]
        store(database, batch)
        publisher.publish(messages(batch))
