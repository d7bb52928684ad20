"""`manage.py load_catalogue`: something to sell."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orders import services
from orders.demo import dataset
from orders.errors import InvalidSkuError


class Command(BaseCommand):
    help = (
        "Put the products in CATALOGUE_FILES into the catalogue; those that are there "
        "get its newest name and price. Example: manage.py load_catalogue"
    )

    def handle(self, **_options: Any) -> None:
        products, dirty = dataset.products(
            settings.CATALOGUE_FILES, currency=settings.CURRENCY
        )
        try:
            new, changed = services.load_products(products)
        except InvalidSkuError as error:
            raise CommandError(f"{error} They are in CATALOGUE_FILES.") from None
        self.stdout.write(
            f"{len(products)} products: {new} new, {changed} changed, "
            f"{len(products) - new - changed} as they were. {dirty} skus had several "
            "names or prices over the years; the newest counts."
        )
