"""Write the rows of every message, one transaction each, then acknowledge it."""

import sys
from collections import Counter
from functools import partial

import bus
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
    return [one.subject for one in events]


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
DECODER = msgspec.json.Decoder(list[Event])
RAW = msgspec.json.Decoder(list[msgspec.Raw])


def work(queue, message):
    events = DECODER.decode(message.body)
    bodies = RAW.decode(message.body) if queue == "audit" else ()
    handle = (
        HANDLERS.get((queue, message.delivery_info["routing_key"])) or HANDLERS[queue]
    )
    with database, database.cursor() as cursor:
        handle(cursor, events, bodies)
    message.channel.basic_ack(message.delivery_tag)


database = tables.connect()
connection, channel = bus.connect()
channel.basic_qos(0, 200, a_global=False)
for name in sys.argv[1:]:
    channel.basic_consume(name, callback=partial(work, name))
while True:
    connection.drain_events()
