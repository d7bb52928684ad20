"""The Django app of the messaging core."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from orders_project.messaging.silence import end_silence


class MessagingConfig(AppConfig):
    name = "orders_project.messaging"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        end_silence()
        # So that every process knows who hears what, and can check it.
        autodiscover_modules("tasks")
