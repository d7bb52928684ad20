"""A Celery worker that hears events: `celery -A orders_project worker -Q some.queue`.

Celery's Consumer, with one thing more: what is no Celery task is gathered, and runs as
one ordinary Celery request, a batch. Flower, time limits, late acks and prefork know no
difference (docs/adr/0001). The steps of chains are gathered too: those that go on alike
run as one, and what an outage stops waits in one place.
"""

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer
from celery.worker.request import Request
from kombu.message import Message

from orders_project.messaging.hearing import WHOLE_MESSAGES
from orders_project.messaging.steps import STEPS
from orders_project.messaging.worker.gathering import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Gathering,
)

logger = logging.getLogger(__name__)

#: Seconds between two looks for pool processes that have died.
DEAD_SECONDS = 0.1
#: Seconds that Celery's own events, for Flower, wait for more of them.
FLOWER_SECONDS = 0.5

UNCONFIRMED = {"confirm_publish": False, "on_blocked": None}


class EventConsumer(Consumer):
    """Runs Celery's own tasks as ever, and events and steps in batches."""

    # What the types of Celery leave out.
    connection: Any
    connection_errors: tuple[type[Exception], ...]
    event_dispatcher: Any
    hub: Any
    initial_prefetch_count: int
    on_task_request: Callable[[Request], None]
    task_consumer: Any
    _flush_events: Callable[[], None]
    flushing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gathering = Gathering(self)
        self.hub.call_repeatedly(DEAD_SECONDS, self.replace_dead)

    def replace_dead(self) -> None:
        # Celery misses the death of some processes, and looks for them every 5 s. Asked
        # of the pool each time: it has its own way to do this once it runs.
        self.pool.maintain_pool()

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type, misc]
        # Celery's delayed delivery would declare 28 quorum queues of its own as soon
        # as one of ours is a quorum queue. What must wait has a due time in the outbox.
        default_steps = [
            step
            for step in Consumer.Blueprint.default_steps
            if "delayed_delivery" not in step
        ]

    def ensure_connected(self, conn: Any) -> Any:
        # Kombu's own pauses grow to 30 s: a broker that is back would wait as long.
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=FIRST_PAUSE,
            interval_step=FIRST_PAUSE,
            interval_max=LONGEST_PAUSE * random.uniform(0.75, 1.25),
        )
        return super().ensure_connected(conn)

    def create_task_handler(
        self, *args: Any, **kwargs: Any
    ) -> Callable[[Message], Any]:
        # Called anew for each connection: what was gathered on a dead one is dropped
        # here, and the broker delivers it again.
        run_task = super().create_task_handler(*args, **kwargs)
        self.gathering.waiting.clear()
        gather = self.gathering = Gathering(self, lost=self.gathering.in_hand)
        self.flushing = False

        def on_message(message: Message) -> Any:
            queue, task = gather.queue_of(message), (message.headers or {}).get("task")
            if not queue:
                message.reject_log_error(logger, self.connection_errors, requeue=True)
                return None
            is_celerys = task and isinstance(task, str) and task not in STEPS
            if is_celerys and queue not in WHOLE_MESSAGES:
                return run_task(message)
            return gather.add(queue, message)

        return on_message

    def on_send_event_buffered(self) -> Any:
        # Celery would publish at once: three messages for each batch, with a wait for
        # the confirm of each (a tenth of the whole system's time under load).
        if not self.flushing:
            self.flushing = True
            self.hub.call_later(FLOWER_SECONDS, self.flush_events)

    def flush_events(self) -> None:
        self.flushing = False
        self._flush_events()

    def connection_for_write(
        self, url: str | None = None, heartbeat: Any = None
    ) -> Any:
        # Celery's own events are worth no confirm: at an alarm of the broker the worker
        # would wait for it, read nothing, and be cut off as dead.
        return self.ensure_connected(
            self.app.connection_for_write(
                url=url, heartbeat=heartbeat, transport_options=UNCONFIRMED
            )
        )

    def stop(self) -> None:
        super().stop()
        self.gathering.hand_back()

    def on_decode_error(self, message: Message, exc: Exception) -> None:  # noqa: ARG002 - Celery's
        # Celery would acknowledge it, and it would be gone.
        message.reject_log_error(logger, self.connection_errors)
