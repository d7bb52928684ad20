"""Store orders a hundred at a time, then start each on its way."""

import json
import os
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.db import transaction
from shop.models import Order, OrderLine
from shop.tasks import carry

BATCH = 100


def store(orders):
    Order.objects.bulk_create(
        Order(id=one["id"], total_cents=one["total_cents"]) for one in orders
    )
    OrderLine.objects.bulk_create(
        OrderLine(order_id=one["id"], **line) for one in orders for line in one["lines"]
    )


orders = json.loads(Path(os.environ["ORDERS"]).read_text())
for line in sys.stdin:
    first, last = map(int, line.split())
    for start in range(first, last, BATCH):
        batch = orders[start : min(start + BATCH, last)]
        with transaction.atomic():
            store(batch)
        for one in batch:
            carry(one["id"])
