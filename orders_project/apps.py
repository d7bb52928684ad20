"""The project itself as a Django app: it has commands, and a say in how it starts."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from orders_project.environment import refuse

#: The settings that name a class by its dotted path.
CLASSES = ("PAYMENT_GATEWAY", "CARRIER", "SMS_SENDER", "EMAIL_BACKEND")


class ProjectConfig(AppConfig):
    name = "orders_project"

    def ready(self) -> None:
        # Now, and not with the first order that needs it.
        for name in CLASSES:
            require_class(name)


def require_class(name: str) -> None:
    try:
        import_string(getattr(settings, name))
    except ImportError as error:
        refuse(name, f"names no class ({error})")
