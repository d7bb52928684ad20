"""A workflow for each order; each of its steps is a transaction with its checkpoint."""

import json
import os
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SQLAlchemyDatasource
from sqlalchemy import text

#: Workflows at work at a time, in each of two processes.
AT_WORK = 16
QUEUE, WORKFLOW = "orders", "carry"
URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg://")
CONFIG: DBOSConfig = {
    "name": "shop",
    "system_database_url": URL,
    "application_version": "1",
    "log_level": "WARNING",
}
source = SQLAlchemyDatasource.create(URL, engine_kwargs={"pool_size": AT_WORK})

MILESTONES = ("order.created", "order.paid", "order.shipped", "order.completed")
LOCK = """
    SELECT 1 FROM stock WHERE sku IN (SELECT sku FROM order_lines WHERE order_id = :id)
    ORDER BY sku FOR UPDATE
"""
RESERVE = """
    WITH held AS (
        INSERT INTO reservations (order_id, sku, quantity)
        SELECT order_id, sku, quantity FROM order_lines WHERE order_id = :id
        RETURNING sku, quantity)
    UPDATE stock SET reserved = reserved + quantity FROM held WHERE stock.sku = held.sku
"""
SELL = """
    WITH bought AS (
        UPDATE reservations SET status = 'committed' WHERE order_id = :id
        RETURNING sku, quantity)
    UPDATE stock SET reserved = reserved - quantity, on_hand = on_hand - quantity,
        sold = sold + quantity FROM bought WHERE stock.sku = bought.sku
"""
CHARGE = """
    INSERT INTO payments (order_id, amount_cents)
    SELECT id, total_cents FROM orders WHERE id = :id
"""
PREPARE = "INSERT INTO shipments (order_id) VALUES (:id)"
DELIVER = "UPDATE shipments SET status = 'delivered' WHERE order_id = :id"
MOVE = "UPDATE orders SET status = '{}', updated_at = now() WHERE id = :id"
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
RECORD = text(
    "INSERT INTO audit (event_id, order_id, type, body) "
    "VALUES (:event, :id, :type, :body)"
)
NOTE = text(
    "INSERT INTO notifications (order_id, milestone, channel) "
    "VALUES (:id, :type, 'email'), (:id, :type, 'sms')"
)


@source.transaction()
def take(number: int, order: str) -> None:
    """Do a step, record it, and note its messages: all of it, or nothing."""
    event, statements = STEPS[number]
    execute = source.sql_session().execute
    for statement in statements:
        execute(text(statement), {"id": order})
    said = {"event": str(uuid4()), "id": order, "type": event}
    execute(RECORD, said | {"body": json.dumps(said)})
    if event in MILESTONES:
        execute(NOTE, said)


@DBOS.workflow(name=WORKFLOW)
def carry(order: str) -> None:
    for number in range(len(STEPS)):
        take(number, order)
