"""Of every message, do what was not done before, and say so, in one transaction."""

import sys

import bus
import handlers
import msgspec
import saying
import tables

#: (queue, event) -> what is said when it was handled.
THEN = {
    ("inventory", "order.created"): "inventory.reserved",
    ("inventory", "payment.success"): "inventory.committed",
    ("payment", "inventory.reserved"): "payment.success",
    ("order", "payment.success"): "order.paid",
    ("shipping", "payment.success"): "shipping.prepared",
    ("order", "shipping.prepared"): "order.shipped",
    ("shipping", "order.shipped"): "shipping.delivered",
    ("order", "shipping.delivered"): "order.completed",
}
INBOX = """
    INSERT INTO inbox (queue, event_id)
    SELECT %(queue)s, unnest(%(events)s::uuid[])
    ON CONFLICT DO NOTHING RETURNING event_id::text
"""
NOTED = """
    SELECT order_id::text FROM notifications WHERE order_id = ANY(%(orders)s::uuid[])
        AND milestone = %(key)s AND channel = %(queue)s
"""
RECORDED = """
    SELECT event_id::text FROM audit WHERE event_id = ANY(%(events)s::uuid[])
"""
#: Whose own rows tell what was done: one process each writes them.
DONE = {"audit": RECORDED, "email": NOTED, "sms": NOTED}
DECODER = msgspec.json.Decoder(list[handlers.Event])
RAW = msgspec.json.Decoder(list[msgspec.Raw])


def work(queue, message):
    key = message.delivery_info["routing_key"]
    events, bodies = DECODER.decode(message.body), RAW.decode(message.body)
    with database, database.cursor() as cursor:
        is_new = judge(cursor, queue, key, events)
        new = [pair for pair in zip(events, bodies, strict=True) if is_new(pair[0])]
        if new:
            handle(cursor, queue, key, *zip(*new, strict=True))
    if (queue, key) in THEN:
        saying.wake_relay(database)
    message.channel.basic_ack(message.delivery_tag)


def judge(cursor, queue, key, events):
    """Return a function that tells of an event whether it came for the first time."""
    ids, orders = tables.array(one.id for one in events), handlers.ids(events)
    given = {"queue": queue, "key": key, "events": ids, "orders": orders}
    cursor.execute(DONE.get(queue, INBOX), given)
    found = {row[0] for row in cursor.fetchall()}
    if queue in DONE:
        return lambda event: found.isdisjoint((event.id, event.subject))
    return lambda event: event.id in found


def handle(cursor, queue, key, events, bodies):
    handlers.of(queue, key)(cursor, events, bodies)
    if kind := THEN.get((queue, key)):
        totals = [(one.subject, one.data["total_cents"]) for one in events]
        orders = [{"id": order, "total_cents": total} for order, total in totals]
        saying.say(cursor, kind, orders)


database = tables.connect()
with database, database.cursor() as cursor:
    # The server does not know yet how the tables grow, and would read all of them.
    for way in ("seqscan", "hashjoin", "mergejoin"):
        cursor.execute(f"SET enable_{way} = off")
bus.consume(sys.argv[1:], work)
