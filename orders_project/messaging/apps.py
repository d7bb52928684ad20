"""The Django app of the messaging core."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "orders_project.messaging"
    label = "messaging"
    verbose_name = "Messages"
