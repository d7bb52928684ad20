"""Store orders a hundred at a time, each with its workflow in the same transaction."""

import json
import os
import sys
from pathlib import Path

from dbos import DBOSClient
from shop import CONFIG, QUEUE, URL, WORKFLOW
from sqlalchemy import create_engine, text

BATCH = 100
OPTIONS = {"queue_name": QUEUE, "workflow_name": WORKFLOW}


def store(connection, orders):
    lines = [{"id": one["id"], **line} for one in orders for line in one["lines"]]
    connection.execute(
        text("INSERT INTO orders (id, total_cents) VALUES (:id, :total_cents)"), orders
    )
    connection.execute(
        text(
            "INSERT INTO order_lines (order_id, sku, quantity, unit_cents) "
            "VALUES (:id, :sku, :quantity, :unit_cents)"
        ),
        lines,
    )


client = DBOSClient(system_database_url=URL, application_name=CONFIG["name"])
engine = create_engine(URL)
orders = json.loads(Path(os.environ["ORDERS"]).read_text())
for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        batch = orders[start : min(start + BATCH, last)]
        with engine.begin() as connection:
            store(connection, batch)
            for one in batch:
                client.enqueue_in_transaction(connection, OPTIONS, one["id"])
