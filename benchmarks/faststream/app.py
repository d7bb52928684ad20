"""A subscriber for each queue; each message is a transaction of its own."""

import os
from contextlib import asynccontextmanager

import asyncpg
import bus
import msgspec
from bus import Event, broker
from faststream import AckPolicy, FastStream
from faststream.rabbit import RabbitQueue

#: Connections of this process, so also how many messages are at work at a time.
IN_FLIGHT = 16


@asynccontextmanager
async def lifespan():
    global database
    database = await asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=IN_FLIGHT, max_size=IN_FLIGHT
    )
    await broker.connect()
    await bus.declare()
    yield
    await database.close()


app = FastStream(broker, lifespan=lifespan)


def hears(queue):
    """Subscribe to a queue. What the handler returns is said after its transaction and
    before the acknowledgement; a message whose handler fails comes again.
    """
    subscriber = broker.subscriber(
        RabbitQueue(queue, durable=True, declare=False),
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )

    def subscribe(handler):
        async def handle(event: Event):
            async with database.acquire() as connection, connection.transaction():
                said = await handler(connection, event)
            if said:
                await bus.publish(event.leads_to(said))

        return subscriber(handle)

    return subscribe


# ---- inventory
@hears("inventory")
async def inventory(connection, event):
    skus = [line.sku for line in event.lines]
    counts = [line.quantity for line in event.lines]
    await connection.fetch(
        "SELECT 1 FROM stock WHERE sku = ANY($1) ORDER BY sku FOR UPDATE", skus
    )
    step = reserve if event.type == "order.created" else sell
    return await step(connection, event.subject, skus, counts)


async def reserve(connection, order, skus, counts):
    new = await connection.fetch(
        "INSERT INTO reservations (order_id, sku, quantity) "
        "SELECT $1, * FROM unnest($2::text[], $3::int[]) "
        "ON CONFLICT DO NOTHING RETURNING 1",
        order, skus, counts,
    )  # fmt: skip
    if new:
        await connection.execute(
            "UPDATE stock SET reserved = reserved + n "
            "FROM unnest($1::text[], $2::int[]) AS v(key, n) WHERE sku = key",
            skus, counts,
        )  # fmt: skip
    return "inventory.reserved"


async def sell(connection, order, skus, counts):
    held = await connection.fetch(
        "UPDATE reservations SET status = 'committed' "
        "WHERE order_id = $1 AND status = 'held' RETURNING 1",
        order,
    )
    if held:
        await connection.execute(
            "UPDATE stock SET reserved = reserved - n, on_hand = on_hand - n, "
            "sold = sold + n FROM unnest($1::text[], $2::int[]) AS v(key, n) "
            "WHERE sku = key",
            skus, counts,
        )  # fmt: skip
    return "inventory.committed"


# ---- payment, order, shipping
@hears("payment")
async def charge(connection, event):
    await connection.execute(
        "INSERT INTO payments (order_id, amount_cents) VALUES ($1, $2) "
        "ON CONFLICT DO NOTHING",
        event.subject, event.total_cents,
    )  # fmt: skip
    return "payment.success"


#: What is heard -> the new status, and from which ones.
MOVES = {
    "payment.success": ("paid", ["created"]),
    "shipping.prepared": ("shipped", ["created", "paid"]),
    "shipping.delivered": ("completed", ["created", "paid", "shipped"]),
}


@hears("order")
async def move(connection, event):
    status, sources = MOVES[event.type]
    await connection.execute(
        "UPDATE orders SET status = $2, updated_at = now() "
        "WHERE id = $1 AND status = ANY($3)",
        event.subject, status, sources,
    )  # fmt: skip
    return f"order.{status}"


SHIPPING = {
    "payment.success": (
        "INSERT INTO shipments (order_id) VALUES ($1) ON CONFLICT DO NOTHING",
        "shipping.prepared",
    ),
    "order.shipped": (
        "UPDATE shipments SET status = 'delivered' WHERE order_id = $1",
        "shipping.delivered",
    ),
}


@hears("shipping")
async def ship(connection, event):
    statement, said = SHIPPING[event.type]
    await connection.execute(statement, event.subject)
    return said


# ---- what is kept of every event, and sent of some
@hears("audit")
async def record(connection, event):
    await connection.execute(
        "INSERT INTO audit (event_id, order_id, type, body) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        event.id, event.subject, event.type, msgspec.json.encode(event).decode(),
    )  # fmt: skip


NOTE = (
    "INSERT INTO notifications (order_id, milestone, channel) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING"
)


@hears("email")
async def note_email(connection, event):
    await connection.execute(NOTE, event.subject, event.type, "email")


@hears("sms")
async def note_text(connection, event):
    await connection.execute(NOTE, event.subject, event.type, "sms")
