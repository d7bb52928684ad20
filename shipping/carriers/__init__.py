"""Who carries the parcels: a port, and an adapter for each carrier."""

from django.conf import settings
from django.utils.module_loading import import_string

from shipping.carriers.port import Carrier


def carrier() -> Carrier:
    """Return the carrier that the setting CARRIER names by its dotted path."""
    adapter: type[Carrier] = import_string(settings.CARRIER)
    return adapter()
