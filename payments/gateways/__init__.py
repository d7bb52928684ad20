"""Where the money is: a port, and an adapter for each gateway."""

from django.conf import settings
from django.utils.module_loading import import_string

from payments.gateways.port import PaymentGateway


def gateway() -> PaymentGateway:
    """Return the gateway that the setting PAYMENT_GATEWAY names by its dotted path."""
    adapter: type[PaymentGateway] = import_string(settings.PAYMENT_GATEWAY)
    return adapter()
