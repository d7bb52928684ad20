"""Store a hundred orders at once, and say that they were created."""

import json
import os
import sys
from pathlib import Path

import rows
import saying
import tables

BATCH = 100

orders = json.loads(Path(os.environ["ORDERS"]).read_text())
database = tables.connect()
for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        batch = orders[start : min(start + BATCH, last)]
        with database, database.cursor() as cursor:
            rows.store(cursor, batch)
            saying.say(cursor, "order.created", batch)
        saying.wake_relay(database)
