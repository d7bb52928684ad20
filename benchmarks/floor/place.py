"""Store a hundred orders at once, and say at once all that will be said of them."""

import json
import os
import sys
from pathlib import Path

import bus
import msgspec
import rows
import tables
import wire

BATCH = 100
#: What is said of an order, in this order, and by whom.
EVENTS = (
    "order.created", "inventory.reserved", "payment.success", "inventory.committed",
    "order.paid", "shipping.prepared", "order.shipped", "shipping.delivered",
    "order.completed",
)  # fmt: skip


def messages(orders):
    for kind in EVENTS:
        yield kind, msgspec.json.encode([wire.event(kind, order) for order in orders])


orders = json.loads(Path(os.environ["ORDERS"]).read_text())
database, publisher = tables.connect(), bus.Publisher()
for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        batch = orders[start : min(start + BATCH, last)]
        with database, database.cursor() as cursor:
            rows.store(cursor, batch)
        publisher.publish(messages(batch))
