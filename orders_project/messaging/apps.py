"""The Django app of the messaging core."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules

from orders_project.database.silence import (
    begin_long_statements,
    end_long_statements,
    end_silence,
)


class MessagingConfig(AppConfig):
    name = "orders_project.messaging"
    label = "messaging"
    verbose_name = "Messages"

    def ready(self) -> None:
        end_silence()
        # A migration may build an index over everything that was ever said.
        pre_migrate.connect(begin_long_statements, sender=self)
        post_migrate.connect(end_long_statements, sender=self)
        # So that every process knows who hears what, and can check it.
        autodiscover_modules("tasks")
