"""Orders as `manage.py place_orders` places them: five hundred in a transaction."""

import json
import os
import sys
from pathlib import Path

import django

django.setup()

from orders.pricing import Item, NewOrder
from orders.services import place_orders

BATCH = 500


def wanted(order):
    return NewOrder(
        id=order["id"],
        items=[Item(**line) for line in order["lines"]],
        email="ada@example.org",
        phone="+4912345",
    )


ORDERS = [wanted(one) for one in json.loads(Path(os.environ["ORDERS"]).read_text())]

for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        place_orders(ORDERS[start : min(start + BATCH, last)])
