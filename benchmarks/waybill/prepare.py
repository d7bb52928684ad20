"""Tables, topology, and two hundred products with a million units each."""

import django
from django.core.management import call_command

django.setup()

from benchmarks import orders
from inventory.services import receive_stock
from orders.models import Product
from orders.services import load_products

call_command("migrate", interactive=False, verbosity=0)
call_command("topology", apply=True)
load_products(
    [
        Product(
            sku=sku,
            name=sku,
            category="Office",
            unit_cents=orders.CENTS,
            currency="USD",
        )
        for sku in orders.SKUS
    ]
)
receive_stock(dict.fromkeys(orders.SKUS, orders.UNITS_IN_STOCK))
