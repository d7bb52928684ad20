"""`manage.py relay`: carry the outbox to RabbitMQ until stopped."""

import signal
import threading
from concurrent.futures import Future
from typing import Any

from django.core.management.base import BaseCommand

from orders_project.messaging import relay
from orders_project.messaging.leaving import SECONDS


class Command(BaseCommand):
    help = (
        "Publish what the outbox holds, with confirms. Runs until TERM or Ctrl-C; any "
        "number may run at once. Example: manage.py relay"
    )

    def handle(self, **_options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        # Not in this thread, which must hear signals: a wait for PostgreSQL hears none.
        ended: Future[None] = Future()
        carrying = threading.Thread(
            target=_carry_on, args=[stopped, ended], daemon=True
        )
        carrying.start()
        stopped.wait()
        carrying.join(SECONDS)
        if ended.done():
            ended.result()


def _carry_on(stopped: threading.Event, ended: Future[None]) -> None:
    try:
        relay.run(stopped)
        ended.set_result(None)
    except BaseException as error:  # noqa: BLE001 - raised again in the main thread
        ended.set_exception(error)
    finally:
        stopped.set()
