"""What is written of each event, a message of them at a time."""

from collections import Counter
from functools import partial

import msgspec
import tables


class Event(msgspec.Struct):
    id: str
    type: str
    subject: str
    data: dict


def reserve(cursor, events, _bodies):
    lines = [(one.subject, line) for one in events for line in one.data["lines"]]
    rows = [(order, line["sku"], line["quantity"]) for order, line in lines]
    tables.copy(cursor, "reservations", "order_id, sku, quantity", rows)
    change_stock(cursor, "reserved = reserved + n", [row[1:] for row in rows])


def commit(cursor, events, _bodies):
    cursor.execute(
        "UPDATE reservations SET status = 'committed' "
        "WHERE order_id = ANY(%s::uuid[]) RETURNING sku, quantity",
        [ids(events)],
    )
    change = "reserved = reserved - n, on_hand = on_hand - n, sold = sold + n"
    change_stock(cursor, change, cursor.fetchall())


def change_stock(cursor, change, lines):
    total = Counter()
    for sku, quantity in lines:
        total[sku] += quantity
    cursor.execute(
        f"WITH locked AS (SELECT sku AS key FROM stock WHERE sku = ANY(%s) "
        f"ORDER BY sku FOR UPDATE) UPDATE stock SET {change} "
        f"FROM unnest(%s, %s) AS v(key, n) JOIN locked USING (key) WHERE sku = v.key",
        [[*total], [*total], [*total.values()]],
    )


def charge(cursor, events, _bodies):
    rows = [(one.subject, one.data["total_cents"]) for one in events]
    tables.copy(cursor, "payments", "order_id, amount_cents", rows)


def prepare(cursor, events, _bodies):
    tables.copy(cursor, "shipments", "order_id", [(one.subject,) for one in events])


def move(table, key, status, cursor, events, _bodies):
    statement = f"UPDATE {table} SET status = %s WHERE {key} = ANY(%s::uuid[])"
    cursor.execute(statement, [status, ids(events)])


def record(cursor, events, bodies):
    pairs = zip(events, bodies, strict=True)
    rows = [
        (one.id, one.subject, one.type, bytes(body).decode()) for one, body in pairs
    ]
    tables.copy(cursor, "audit", "event_id, order_id, type, body", rows)


def notify(channel, cursor, events, _bodies):
    rows = [(one.subject, one.type, channel) for one in events]
    tables.copy(cursor, "notifications", "order_id, milestone, channel", rows)


def ids(events):
    return tables.array(one.subject for one in events)


HANDLERS = {
    ("inventory", "order.created"): reserve,
    ("inventory", "payment.success"): commit,
    ("payment", "inventory.reserved"): charge,
    ("order", "payment.success"): partial(move, "orders", "id", "paid"),
    ("shipping", "payment.success"): prepare,
    ("order", "shipping.prepared"): partial(move, "orders", "id", "shipped"),
    ("shipping", "order.shipped"): partial(move, "shipments", "order_id", "delivered"),
    ("order", "shipping.delivered"): partial(move, "orders", "id", "completed"),
    "audit": record,
    "email": partial(notify, "email"),
    "sms": partial(notify, "sms"),
}


def of(queue, key):
    """Return the handler of a queue, or that of one event in it."""
    return HANDLERS.get((queue, key)) or HANDLERS[queue]
