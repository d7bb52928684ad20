"""`manage.py relay`: carry the outbox to RabbitMQ until stopped."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from orders_project.messaging import relay


class Command(BaseCommand):
    help = (
        "Publish what the outbox holds, with confirms. Runs until TERM or Ctrl-C; any "
        "number may run at once. Example: manage.py relay"
    )

    def handle(self, **_options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        relay.run(stopped)
