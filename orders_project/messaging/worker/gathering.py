"""The messages of a worker, from their arrival to their acknowledgement, in batches.

What arrives while every pool slot is busy runs as one ordinary Celery request. Under
light load a batch is one event, and nothing waits but where a task rests after a batch
(pace.py).
"""

import logging
import random
from collections.abc import Iterable, Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from celery.bootsteps import RUN  # type: ignore[attr-defined]
from celery.worker.state import task_reserved
from kombu.message import Message

from orders_project.messaging import envelope
from orders_project.messaging.worker import pace
from orders_project.messaging.worker.batch import BatchRequest, divide
from orders_project.messaging.worker.sorting import Waiting, name_of, sort_out

if TYPE_CHECKING:
    from orders_project.messaging.worker.consumer import EventConsumer

logger = logging.getLogger(__name__)

#: Seconds between two tries while database or broker are gone; doubled up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0


class Gathering:
    """The messages of one connection, from their arrival to their acknowledgement.

    `lost` names those that were in hand when the connection before it was lost: they
    come again, and nothing has died of them.
    """

    def __init__(self, consumer: "EventConsumer", lost: Iterable[str] = ()) -> None:
        self.consumer, self.lost = consumer, set(lost)
        self.in_hand: set[str] = set()
        self.waiting: list[Waiting] = []
        self.rests: dict[str, float] = {}
        self.running = 0
        self.scheduled = self.pausing = False
        self.pause = 0.0

    def queue_of(self, message: Message) -> str:
        """Name the queue; the delivery itself only names exchange and routing key.

        Nothing is named of a queue whose consumer was cancelled, as in Flower.
        """
        tag = message.delivery_info["consumer_tag"]
        tags: dict[str, str] = self.consumer.task_consumer._active_tags  # noqa: SLF001 - nothing else knows
        return next((queue for queue, known in tags.items() if known == tag), "")

    def add(self, queue: str, message: Message) -> None:
        if (one := sort_out(queue, message)) is None:
            message.ack_log_error(logger, self.consumer.connection_errors)
            return
        self.in_hand.add(name := name_of(message))
        if name in self.lost:
            # Only once: if it comes yet again on this connection, its process has died.
            self.lost.remove(name)
            one = one.held()
        self.waiting.append(one)
        self.schedule()

    def schedule(self) -> None:
        if not self.scheduled:
            self.scheduled = True
            # By call_soon kombu's loop would sleep first, if it is asked in its turn.
            self.consumer.hub.call_later(0, self.gather)

    def gather(self) -> None:
        try:
            self.read_what_is_there()
        finally:
            self.scheduled = False
        while not self.pausing and self.running < self.slots and (batch := self.take()):
            self.submit(batch)

    def read_what_is_there(self) -> None:
        # Celery's loop reads one message a turn; a batch is what the socket holds now.
        try:
            for _message in range(envelope.MAX_EVENTS):
                self.consumer.connection.drain_events(timeout=0)
        except TimeoutError:
            pass

    @property
    def slots(self) -> int:
        if self.consumer.blueprint.state != RUN:  # told to stop
            return 0
        # After an outage one batch tries alone whether it is over.
        return 1 if self.pause else self.consumer.pool.num_processes

    def take(self) -> list[Waiting]:
        batch, self.waiting = divide(self.waiting, self.resting_tasks())
        return batch

    def resting_tasks(self) -> set[str]:
        """Return the tasks that wait for company; none of them if no more can come."""
        now = inf if self.is_full() else monotonic()
        return {task for task, until in self.rests.items() if until > now}

    def is_full(self) -> bool:
        room = max((pace.of(one.wire.queue).events for one in self.waiting), default=1)
        return (
            sum(one.events for one in self.waiting) >= room
            or len(self.waiting) >= self.consumer.initial_prefetch_count
        )

    def submit(self, batch: Sequence[Waiting]) -> None:
        try:
            request = BatchRequest.of(batch, self)
        except Exception:
            # It would end the worker, come back to the next one, and end that.
            logger.exception(
                "Celery can make nothing of a message for %s", batch[0].task
            )
            self.refuse(batch)
            return
        self.running += 1
        task_reserved(request)
        request.send_event(
            "task-received",
            name=request.name,
            args=request.argsrepr,
            kwargs="",
            retries=0,
        )
        self.consumer.on_task_request(request)

    def refuse(self, batch: Sequence[Waiting]) -> None:
        for one in batch:
            one.message.reject_log_error(logger, self.consumer.connection_errors)

    def done(self, acknowledged: Sequence[Waiting]) -> None:
        self.in_hand.difference_update(name_of(one.message) for one in acknowledged)
        self.running -= 1
        self.pause = 0.0
        self.schedule()

    def rest(self, batch: Sequence[Waiting], took: float) -> None:
        """Have the task of a batch wait for company, where it does (pace.py)."""
        task, queue = batch[0].task, batch[0].wire.queue
        if seconds := pace.of(queue).rest(took, sum(one.events for one in batch)):
            self.rests[task] = monotonic() + seconds
            self.consumer.hub.call_later(seconds, self.schedule)

    def give_back(self, batch: Sequence[Waiting]) -> None:
        """Keep what an outage stopped, and go on by ourselves after a pause."""
        if self.consumer.gathering is not self:
            return  # of a connection that is gone: the broker delivers it again
        self.running -= 1
        self.waiting[:0] = [one.held() for one in batch]
        self.pause = min(max(self.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        if not self.pausing:
            self.pausing = True
            jittered = self.pause * random.uniform(0.75, 1.25)
            self.consumer.hub.call_later(jittered, self.wake)

    def wake(self) -> None:
        self.pausing = False
        self.schedule()

    def hand_back(self) -> None:
        """Let another worker have at once what waits here for the batch that runs."""
        for one in self.waiting:
            one.message.reject_log_error(
                logger, self.consumer.connection_errors, requeue=True
            )
        self.waiting.clear()
