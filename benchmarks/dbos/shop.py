"""A workflow for each order; each of its steps is a transaction that may run twice.

DBOS also has transactions that commit together with their checkpoint. They need no
ON CONFLICT, and were half as fast.
"""

import json
import os
from uuid import UUID, uuid5

from dbos import DBOS, DBOSConfig
from psycopg_pool import ConnectionPool

#: Workflows at work at a time, in each of two processes.
AT_WORK = 8
QUEUE, WORKFLOW = "orders", "carry"
URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://")
CONFIG: DBOSConfig = {
    "name": "shop",
    "system_database_url": URL,
    "application_version": "1",
    "log_level": "WARNING",
}
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=AT_WORK)

MILESTONES = ("order.created", "order.paid", "order.shipped", "order.completed")
LOCK = """
    SELECT 1 FROM stock WHERE sku IN (
        SELECT sku FROM order_lines WHERE order_id = %(id)s) ORDER BY sku FOR UPDATE
"""
RESERVE = """
    WITH held AS (
        INSERT INTO reservations (order_id, sku, quantity)
        SELECT order_id, sku, quantity FROM order_lines WHERE order_id = %(id)s
        ON CONFLICT DO NOTHING RETURNING sku, quantity)
    UPDATE stock SET reserved = reserved + quantity FROM held WHERE stock.sku = held.sku
"""
SELL = """
    WITH bought AS (
        UPDATE reservations SET status = 'committed'
        WHERE order_id = %(id)s AND status = 'held' RETURNING sku, quantity)
    UPDATE stock SET reserved = reserved - quantity, on_hand = on_hand - quantity,
        sold = sold + quantity FROM bought WHERE stock.sku = bought.sku
"""
CHARGE = """
    INSERT INTO payments (order_id, amount_cents)
    SELECT id, total_cents FROM orders WHERE id = %(id)s ON CONFLICT DO NOTHING
"""
PREPARE = "INSERT INTO shipments (order_id) VALUES (%(id)s) ON CONFLICT DO NOTHING"
DELIVER = "UPDATE shipments SET status = 'delivered' WHERE order_id = %(id)s"
MOVE = "UPDATE orders SET status = '{}', updated_at = now() WHERE id = %(id)s"
#: What is done, one after another, and what is said of it.
STEPS = (
    ("order.created", ()),
    ("inventory.reserved", (LOCK, RESERVE)),
    ("payment.success", (CHARGE,)),
    ("inventory.committed", (LOCK, SELL)),
    ("order.paid", (MOVE.format("paid"),)),
    ("shipping.prepared", (PREPARE,)),
    ("order.shipped", (MOVE.format("shipped"),)),
    ("shipping.delivered", (DELIVER,)),
    ("order.completed", (MOVE.format("completed"),)),
)
RECORD = """
    INSERT INTO audit (event_id, order_id, type, body)
    VALUES (%(event)s, %(id)s, %(type)s, %(body)s) ON CONFLICT DO NOTHING
"""
NOTE = """
    INSERT INTO notifications (order_id, milestone, channel)
    VALUES (%(id)s, %(type)s, 'email'), (%(id)s, %(type)s, 'sms') ON CONFLICT DO NOTHING
"""


@DBOS.step()
def take(number: int, order: str) -> None:
    """Do a step, record it, and note its messages."""
    event, statements = STEPS[number]
    said = {"event": str(uuid5(UUID(order), event)), "id": order, "type": event}
    with pool.connection() as connection:
        for statement in statements:
            connection.execute(statement, said)
        connection.execute(RECORD, said | {"body": json.dumps(said)})
        if event in MILESTONES:
            connection.execute(NOTE, said)


@DBOS.workflow(name=WORKFLOW)
def carry(order: str) -> None:
    for number in range(len(STEPS)):
        take(number, order)
