"""Events on their way out: logged with what they tell of, and published by relay.py."""

import msgspec
import tables
import wire


def say(cursor, kind, orders):
    """Say it of all these orders, in the transaction of whoever did it."""
    events = [wire.event(kind, order) for order in orders]
    rows = [
        (one["id"], one["subject"], kind, msgspec.json.encode(one).decode())
        for one in events
    ]
    tables.copy(cursor, "log", "id, order_id, type, body", rows)
    cursor.execute(
        "INSERT INTO outbox (type, event_ids) VALUES (%s, %s::uuid[])",
        [kind, tables.array(one["id"] for one in events)],
    )


def wake_relay(database):
    """After the commit: within the transaction NOTIFY holds a lock of the cluster."""
    with database, database.cursor() as cursor:
        cursor.execute("NOTIFY outbox")
