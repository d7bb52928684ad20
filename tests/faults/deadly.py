"""The application, with one handler that some events kill: the worker of F9.

Not to be imported by tests: the handler would kill them too.
"""
# ruff: noqa: E402 - Django must be set up before its models are imported

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import django

django.setup()

from orders_project.celery import app
from orders_project.messaging import crash
from orders_project.messaging.events import PaymentSucceeded
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.topology import ORDER_QUEUE
from tests.faults.poison import DEADLY

__all__ = ("app",)

KEY = ORDER_QUEUE.name, PaymentSucceeded.type
usual = HEARS[KEY]


def handle(events: Sequence[PaymentSucceeded]) -> None:
    for event in events:
        if event.country == DEADLY:
            _die_of(event.id)
    usual.handler(events)


def _die_of(event_id: str) -> None:
    with (Path(crash.FOLDER or "") / event_id).open("a") as deaths:
        deaths.write("+")
    os.kill(os.getpid(), signal.SIGKILL)


HEARS[KEY] = usual._replace(handler=handle)
