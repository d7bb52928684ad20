"""A Celery worker that hears events: `celery -A orders_project worker -Q some.queue`.

Celery's Consumer, with one thing more: what is no Celery task is gathered while every
pool slot is busy, and runs as one ordinary Celery request, a batch. Under light load a
batch is one event and nothing waits; there is no timer. Flower, time limits, late acks
and prefork know no difference (docs/adr/0001). The steps of chains are gathered too:
those that go on alike run as one, and what an outage stops waits in one place.
"""

import logging
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]
from celery.bootsteps import RUN  # type: ignore[attr-defined]
from celery.worker.consumer import Consumer
from celery.worker.request import Request
from celery.worker.state import task_ready, task_reserved
from kombu.message import Message

from orders_project.messaging import envelope
from orders_project.messaging.desk import replays
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import EVENTS, NORMAL, new_id
from orders_project.messaging.hearing import HEARS, PARK, WHOLE_MESSAGES
from orders_project.messaging.outages import is_certain_outage
from orders_project.messaging.retry import Wire
from orders_project.messaging.steps import STEPS

logger = logging.getLogger(__name__)

#: Seconds between two tries while database or broker are gone; doubled up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
#: Seconds between two looks for pool processes that have died.
DEAD_SECONDS = 0.2
#: Seconds that Celery's own events, for Flower, wait for more of them.
FLOWER_SECONDS = 0.5

#: A step with such a header has a story of its own: its attempts, a person's replay.
ALONE = {"x-attempt", replays.HEADER}

UNCONFIRMED = {"confirm_publish": False, "on_blocked": None}
NO_CANVAS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


class Waiting(NamedTuple):
    """A message in hand: not yet run, not yet acknowledged."""

    task: str
    message: Message
    wire: Wire
    events: int
    extra: tuple[str, ...] = ()

    def held(self) -> "Waiting":
        return self._replace(wire=self.wire._replace(held=True))


class EventConsumer(Consumer):
    """Runs Celery's own tasks as ever, steps each alone, and events in batches."""

    # What the types of Celery leave out.
    connection: Any
    connection_errors: tuple[type[Exception], ...]
    event_dispatcher: Any
    hub: Any
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
        gather = self.gathering = Gathering(self)
        self.flushing = False

        def on_message(message: Message) -> Any:
            queue, task = gather.queue_of(message), (message.headers or {}).get("task")
            if task and task not in STEPS and queue not in WHOLE_MESSAGES:
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


class Gathering:
    """The messages of one connection, from their arrival to their acknowledgement."""

    def __init__(self, consumer: EventConsumer) -> None:
        self.consumer = consumer
        self.waiting: list[Waiting] = []
        self.running = 0
        self.scheduled = self.resting = False
        self.pause = 0.0

    def queue_of(self, message: Message) -> str:
        """Name the queue; the delivery itself only names exchange and routing key."""
        tag = message.delivery_info["consumer_tag"]
        tags: dict[str, str] = self.consumer.task_consumer._active_tags  # noqa: SLF001 - nothing else knows
        return next(queue for queue, known in tags.items() if known == tag)

    def add(self, queue: str, message: Message) -> None:
        if (one := sort_out(queue, message)) is None:
            message.ack_log_error(logger, self.consumer.connection_errors)
            return
        self.waiting.append(one)
        self.schedule()

    def schedule(self) -> None:
        if not self.scheduled:
            self.scheduled = True
            self.consumer.hub.call_soon(self.settle)

    def settle(self) -> None:
        self.read_what_is_there()
        self.scheduled = False
        while self.waiting and not self.resting and self.running < self.slots:
            self.submit(self.take())

    def read_what_is_there(self) -> None:
        # Celery's loop reads one message a turn; a batch is what the socket holds now.
        try:
            while len(self.waiting) < envelope.MAX_EVENTS:
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
        """Take the next batch: the most urgent first, then the oldest; one task."""
        self.waiting.sort(key=lambda one: -one.wire.priority)
        first, size = self.waiting[0], 0
        batch: list[Waiting] = []
        for one in list(self.waiting):
            if (one.task, one.extra) == (first.task, first.extra) and (
                not batch or size + one.events <= envelope.MAX_EVENTS
            ):
                batch.append(one)
                size += one.events
                self.waiting.remove(one)
        return batch

    def submit(self, batch: Sequence[Waiting]) -> None:
        self.running += 1
        request = BatchRequest.of(batch, self)
        task_reserved(request)
        request.send_event(
            "task-received",
            name=request.name,
            args=request.argsrepr,
            kwargs="",
            retries=0,
        )
        self.consumer.on_task_request(request)

    def done(self) -> None:
        self.running -= 1
        self.pause = 0.0
        self.schedule()

    def give_back(self, batch: Sequence[Waiting]) -> None:
        """Keep what an outage stopped, and go on by ourselves after a pause."""
        self.running -= 1
        self.waiting[:0] = [one.held() for one in batch]
        self.pause = min(max(self.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        if not self.resting:
            self.resting = True
            jittered = self.pause * random.uniform(0.75, 1.25)
            self.consumer.hub.call_later(jittered, self.wake)

    def wake(self) -> None:
        self.resting = False
        self.schedule()

    def hand_back(self) -> None:
        """Let another worker have at once what waits here for the batch that runs."""
        for one in self.waiting:
            one.message.reject_log_error(
                logger, self.consumer.connection_errors, requeue=True
            )
        self.waiting.clear()


def sort_out(queue: str, message: Message) -> Waiting | None:
    """Find the task that a message is for; None when nobody here cares for it."""
    wire = wire_of(queue, message)
    if task := WHOLE_MESSAGES.get(queue):
        return Waiting(task, message, wire, 1)
    if task := wire.headers.get("task"):
        return a_step(task, message, wire)
    try:
        types = envelope.glance(wire.body)
    except Poison as error:
        return Waiting(PARK, message, wire, 1, (str(error),))
    heard = [HEARS[queue, kind].task for kind in types if (queue, kind) in HEARS]
    if heard:
        return Waiting(heard[0], message, wire, len(types))
    if strange := [kind for kind in types if kind not in EVENTS]:
        reason = f"The event type {strange[0]!r} is unknown here."
        return Waiting(PARK, message, wire, 1, (reason,))
    return None


def a_step(task: str, message: Message, wire: Wire) -> Waiting:
    try:
        ids, onward = what_it_does(*message.payload)
    except Exception as error:  # noqa: BLE001 - of any codec, or of no list
        reason = f"The message is no Celery task: {error!r}"
        return Waiting(PARK, message, wire, 1, (reason,))
    if ids and not wire.redelivered and ALONE.isdisjoint(wire.headers):
        return Waiting(task, message, wire, ids, (onward,))
    return Waiting(task, message, wire, envelope.MAX_EVENTS, (new_id(),))


def what_it_does(
    args: Sequence[Any], kwargs: dict[str, Any], embed: dict[str, Any]
) -> tuple[int, str]:
    """Return for how many ids a step is, 0 if that is unclear, and what follows it."""
    ids = len(args[0]) if len(args) == 1 and isinstance(args[0], list) else 0
    chain = [(one["task"], one["args"], one["kwargs"]) for one in embed["chain"] or ()]
    return ids, repr((kwargs, chain))


def wire_of(queue: str, message: Message) -> Wire:
    body: Any = message.body
    if not isinstance(body, bytes):
        body = bytes(body, "utf-8") if isinstance(body, str) else bytes(body)
    return Wire(
        queue,
        body,
        dict(message.headers or {}),
        int(message.properties.get("priority") or NORMAL),
        bool(message.delivery_info.get("redelivered")),
        message.properties.get("reply_to") or "",
        message.properties.get("correlation_id") or "",
    )


class BatchRequest(Request):
    """Celery's request for a task, whose acknowledgement is that of many messages.

    Of a step that is alone it is what Celery would make; steps that go on alike run
    as the first of them, with the ids of all.
    """

    batch: Sequence[Waiting]
    gathering: Gathering

    @classmethod
    def of(cls, batch: Sequence[Waiting], gathering: Gathering) -> "BatchRequest":
        consumer, first = gathering.consumer, batch[0]
        request = cls(
            first.message,
            on_ack=_settling(batch, gathering, "ack_log_error"),
            on_reject=_settling(batch, gathering, "reject_log_error"),
            app=consumer.app,
            hostname=consumer.hostname,
            eventer=consumer.event_dispatcher,
            task=consumer.app.tasks[first.task],
            connection_errors=consumer.connection_errors,
            **(steps_together(batch) if first.task in STEPS else _content(batch)),
        )
        request.batch, request.gathering = batch, gathering
        return request

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        # Also Celery's own error, of sending a chain's next step after this one.
        if not is_certain_outage(error):
            super().on_failure(exc_info, *args, **kwargs)
            return
        logger.warning("%s waits for database or broker: %s", self.name, error)
        task_ready(self)
        self.gathering.give_back(self.batch)


def steps_together(batch: Sequence[Waiting]) -> dict[str, Any]:
    if len(batch) == 1:
        return {}
    ids = dict.fromkeys(i for one in batch for i in one.message.payload[0][0])
    first = batch[0].message
    _args, kwargs, embed = first.payload
    headers = first.headers | {"argsrepr": f"({len(ids)} ids)"}
    return {"headers": headers, "body": ((list(ids),), kwargs, embed), "decoded": True}


def _content(batch: Sequence[Waiting]) -> dict[str, Any]:
    first = batch[0]
    return {
        "headers": {
            "id": new_id(),
            "task": first.task,
            "lang": "py",
            "argsrepr": f"({sum(one.events for one in batch)} events)",
            "kwargsrepr": "",
        },
        "body": (([tuple(one.wire) for one in batch], *first.extra), {}, NO_CANVAS),
        "decoded": True,
    }


def _settling(
    batch: Sequence[Waiting], gathering: Gathering, how: str
) -> Callable[..., None]:
    def settle(*args: Any, **kwargs: Any) -> None:
        for one in batch:
            getattr(one.message, how)(*args, **kwargs)
        gathering.done()

    return settle
