"""Where the money is: a port, and an adapter for each gateway."""

from django.conf import settings
from django.utils.module_loading import import_string

from payments.gateways.port import PaymentGateway

SIMULATED = "payments.gateways.simulated.SimulatedGateway"


def gateway() -> PaymentGateway:
    """Return the gateway that the setting PAYMENT_GATEWAY names by its dotted path."""
    adapter = import_string(getattr(settings, "PAYMENT_GATEWAY", SIMULATED))
    return adapter()  # type: ignore[no-any-return]  # named by a setting
