"""What a sku may be: the same in catalogue, stock and orders, or one could be listed
or stored that nobody can order.
"""

import re

from django.core.exceptions import ValidationError

MAX_SKU = 100
# \Z, since $ lets a line's end through; and PostgreSQL's text cannot hold a NUL.
PATTERN = r"^[^\x00]+\Z"
WORDS = f"A sku has 1 to {MAX_SKU} characters, none of them NUL."


def is_sound(sku: str) -> bool:
    return len(sku) <= MAX_SKU and bool(re.match(PATTERN, sku))


def validate(sku: str) -> None:
    """Refuse what no order could name: a validator of Django's."""
    if not is_sound(sku):
        raise ValidationError(WORDS)
