"""Store orders a hundred at a time, then say that each was created."""

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import bus
from bus import Line

BATCH = 100
ORDERS = json.loads(Path(os.environ["ORDERS"]).read_text())


async def store(database, orders):
    async with database.transaction():
        rows = [(one["id"], one["total_cents"]) for one in orders]
        await database.executemany(
            "INSERT INTO orders (id, total_cents) VALUES ($1, $2)", rows
        )
        lines = [
            (one["id"], line["sku"], line["quantity"], line["unit_cents"])
            for one in orders
            for line in one["lines"]
        ]
        await database.executemany(
            "INSERT INTO order_lines (order_id, sku, quantity, unit_cents) "
            "VALUES ($1, $2, $3, $4)",
            lines,
        )


def created(order):
    return bus.Event(
        type="order.created",
        subject=order["id"],
        total_cents=order["total_cents"],
        lines=[Line(one["sku"], one["quantity"]) for one in order["lines"]],
    )


async def main():
    database = await asyncpg.connect(os.environ["DATABASE_URL"])
    await bus.broker.connect()
    await bus.declare()
    for line in sys.stdin:
        first, last = map(int, line.split())
        for start in range(first, last, BATCH):
            batch = ORDERS[start : min(start + BATCH, last)]
            await store(database, batch)
            await asyncio.gather(*(bus.publish(created(one)) for one in batch))


asyncio.run(main())
