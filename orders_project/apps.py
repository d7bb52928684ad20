"""The project itself as a Django app: it has commands, and a say in how it starts."""

from collections.abc import Mapping

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from orders_project.environment import refuse

#: Setting that names a class by its dotted path -> the port that the class must fit.
PORTS: Mapping[str, str] = {
    "PAYMENT_GATEWAY": "payments.gateways.port.PaymentGateway",
    "CARRIER": "shipping.carriers.port.Carrier",
    "SMS_SENDER": "notifications.channels.port.SmsSender",
    "EMAIL_BACKEND": "django.core.mail.backends.base.BaseEmailBackend",
}


class ProjectConfig(AppConfig):
    name = "orders_project"

    def ready(self) -> None:
        # Now, and not with the first order that needs it.
        for name, port in PORTS.items():
            require_class(name, import_string(port))


def require_class(name: str, port: type) -> None:
    found = _imported(name)
    if not isinstance(found, type):
        refuse(name, f"names no class, but {found!r}")
    methods = [one for one in vars(port) if not one.startswith("_")]
    if missing := [one for one in methods if not callable(getattr(found, one, None))]:
        what = f"names a class without {', '.join(missing)}: see {port.__module__}"
        refuse(name, what)


def _imported(name: str) -> object:
    try:
        return import_string(getattr(settings, name))
    except ImportError as error:
        refuse(name, f"names no class ({error})")
