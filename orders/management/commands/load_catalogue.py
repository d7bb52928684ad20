"""`manage.py load_catalogue`: something to sell."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from orders import services
from orders.demo import dataset


class Command(BaseCommand):
    help = (
        "Put the products of the demo's data into the catalogue; those that are there "
        "get its newest name and price. Example: manage.py load_catalogue"
    )

    def handle(self, **_options: Any) -> None:
        products, dirty = dataset.products(
            settings.CATALOGUE_FILES, currency=settings.CURRENCY
        )
        new, changed = services.load_products(products)
        self.stdout.write(
            f"{len(products)} products: {new} new, {changed} changed, "
            f"{len(products) - new - changed} as they were. {dirty} skus had several "
            "names or prices over the years; the newest counts."
        )
