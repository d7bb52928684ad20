"""Store a hundred orders at once, and say at once all that will be said of them."""

import bus
import msgspec
import rows
import tables
import wire

#: What is said of an order, in this order, and by whom.
EVENTS = (
    "order.created", "inventory.reserved", "payment.success", "inventory.committed",
    "order.paid", "shipping.prepared", "order.shipped", "shipping.delivered",
    "order.completed",
)  # fmt: skip


def messages(orders):
    for kind in EVENTS:
        yield kind, msgspec.json.encode([wire.event(kind, order) for order in orders])


database, publisher = tables.connect(), bus.Publisher()
for batch in rows.batches():
    with database, database.cursor() as cursor:
        rows.store(cursor, batch)
    publisher.publish(messages(batch))
