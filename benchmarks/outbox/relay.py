"""From the outbox to the broker: taken, published, confirmed, and only then gone."""

import select
from collections import defaultdict

import bus
import tables

TAKE = """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED)
    RETURNING event_ids::text[]
"""
BODIES = "SELECT type, body FROM log WHERE id = ANY(%s::uuid[])"
#: Events in one message.
LARGEST = 500


def carry():
    """Publish what waits; returns how many rows it was."""
    with database, database.cursor() as cursor:
        cursor.execute(TAKE)
        taken = cursor.fetchall()
        ids = tables.array(one for (several,) in taken for one in several)
        cursor.execute(BODIES, [ids])
        publisher.publish(messages(cursor.fetchall()))
    return len(taken)


def messages(events):
    alike = defaultdict(list)
    for kind, body in events:
        alike[kind].append(body)
    for kind, bodies in alike.items():
        for start in range(0, len(bodies), LARGEST):
            yield kind, f"[{','.join(bodies[start : start + LARGEST])}]".encode()


def rest():
    if not database.notifies:
        select.select([database], [], [], 1)
        database.poll()
    database.notifies.clear()


database, publisher = tables.connect(), bus.Publisher()
with database, database.cursor() as cursor:
    cursor.execute("LISTEN outbox")
while True:
    if not carry():
        rest()
