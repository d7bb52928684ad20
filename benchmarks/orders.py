"""The orders that everybody carries, and what must be in the tables afterwards."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from orders_project.messaging.events import new_id

SKUS = [f"sku-{number:03d}" for number in range(200)]
UNITS_IN_STOCK = 1_000_000
CENTS = 1999
#: Events and notifications of one order; README.md names them.
EVENTS, NOTIFICATIONS = 9, 8

Order = dict


def write(file: Path, count: int) -> list[Order]:
    """Write the same orders at every run, but for their ids, which are UUIDv7."""
    rng = random.Random(count)
    orders = [_order(rng) for _ in range(count)]
    file.write_text(json.dumps(orders))
    return orders


def _order(rng: random.Random) -> Order:
    lines = [
        {"sku": sku, "quantity": rng.randint(1, 3), "unit_cents": CENTS}
        for sku in rng.sample(SKUS, 2)
    ]
    total = sum(line["quantity"] * line["unit_cents"] for line in lines)
    return {"id": new_id(), "lines": lines, "total_cents": total}


def expected(orders: Sequence[Order]) -> dict[str, int]:
    """Return what check.sql must find once all of these are completed."""
    count = len(orders)
    return {
        "completed": count,
        "lines": 2 * count,
        "payments": count,
        "shipments": count,
        "sold": sum(line["quantity"] for one in orders for line in one["lines"]),
        "reserved": 0,
        "audited": EVENTS * count,
        "notified": NOTIFICATIONS * count,
    }
