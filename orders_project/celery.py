"""The Celery application. Its settings are the `CELERY_` lines of settings.py.

Each app's tasks.py is found by the messaging app as Django starts.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_failure, worker_init, worker_shutting_down

from orders_project.database.index_scans import find_rows_by_key
from orders_project.messaging.broker import Listening, fail_at_alarm
from orders_project.messaging.leaving import leave_in_time, leave_in_time_at_term
from orders_project.messaging.outages import drop_doubtful_connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orders_project.settings")


class Waybill(Celery):
    """Whose publishers fail at an alarm of the broker, and do not wait for its end."""

    def connection_for_write(
        self, *args: Any, transport_options: Any = None, **kwargs: Any
    ) -> Any:
        # Not in settings.py: Flower asks for those, and a function is no JSON.
        options = {"on_blocked": fail_at_alarm} | (transport_options or {})
        return super().connection_for_write(*args, transport_options=options, **kwargs)

    def connection(self, *args: Any, **kwargs: Any) -> Any:
        return Listening(**super().connection(*args, **kwargs).info())


def drop_after_failure(exception: BaseException, **_signal: object) -> None:
    # Beat's tasks too: with CELERY_DB_REUSE_MAX Celery would keep a dead connection,
    # and the task would fail with it each time until the worker is started again.
    drop_doubtful_connection(exception)


app = Waybill("waybill")
app.config_from_object("django.conf:settings", namespace="CELERY")
worker_init.connect(find_rows_by_key)
task_failure.connect(drop_after_failure)
worker_shutting_down.connect(leave_in_time)
beat_init.connect(leave_in_time_at_term)
