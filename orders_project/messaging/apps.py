"""The Django app of the messaging core."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class MessagingConfig(AppConfig):
    name = "orders_project.messaging"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        # So that every process knows who hears what, and can check it.
        autodiscover_modules("tasks")
