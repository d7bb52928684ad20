"""Talking to RabbitMQ itself: declaring the topology, publishing with confirms."""

import logging
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, NoReturn

import amqp
from amqp.exceptions import NotFound
from django.conf import settings
from django.core.management.base import CommandError
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from orders_project.messaging.errors import MessagingError
from orders_project.messaging.outages import BROKER_LOST
from orders_project.messaging.topology import (
    DEAD_LETTER_QUEUE,
    EXCHANGES,
    QUEUES,
    ROADS,
)

logger = logging.getLogger(__name__)

CONFIRM_SECONDS = 10
#: What py-amqp raises while it writes a property that is of another kind, or too long.
UNSENDABLE = (TypeError, ValueError, struct.error)
#: Bytes of a frame beside the properties (AMQP 0-9-1, 4.2.3 and 4.2.6.1), rounded up.
FRAME_OVERHEAD = 64
#: Two are missed, then each of three goodbyes waits 4 s for an answer: 18 s at most.
LISTENING_HEARTBEAT = 3


class Message(NamedTuple):
    """A message for the broker; properties are AMQP's, by py-amqp's names."""

    exchange: str
    routing_key: str
    body: str
    properties: dict[str, Any]


class BrokerAwayError(MessagingError, CommandError):
    """RabbitMQ lets nobody in. Commands print it without traceback."""


def connect(**options: Any) -> Connection:
    """Return a connection to RabbitMQ, which it makes when it is used."""
    return Connection(settings.AMQP_URL, ssl=settings.CELERY_BROKER_USE_SSL, **options)


@contextmanager
def reached() -> Iterator[Connection]:
    """Connect at once, for a command. Raises BrokerAwayError."""
    with connect(connect_timeout=5) as broker:
        try:
            broker.ensure_connection(max_retries=0)
        except BROKER_LOST as error:
            raise BrokerAwayError(
                f"RabbitMQ at {broker.as_uri()} says: {error}. Is AMQP_URL right? For "
                "amqps:// its certificate must name that host, and an authority that "
                "this machine trusts: SSL_CERT_FILE=/path/of/ca.pem adds one."
            ) from error
        yield broker


def declare(broker: Connection, queues: Iterable[Queue] = QUEUES) -> None:
    """Declare every exchange, queue and binding; what is there stays as it is.

    Raises amqp.PreconditionFailed where the broker has it with other arguments.
    """
    # Nothing waits for its own answer: two hundred take seconds where the broker is
    # busy, and the relay would publish nothing meanwhile.
    with broker.channel() as channel:
        for exchange in EXCHANGES:
            exchange(channel).declare(nowait=True)
        for queue in queues:
            _declare(queue(channel))
        for road in ROADS:
            there = road.destination(channel)
            there.bind_to(road.source, road.routing_key, nowait=True)
        _await_answer(channel)


def has_forgotten(broker: Connection) -> bool:
    """Tell whether the broker has lost its data, or is new.

    Asked of a queue that only `declare` declares: a worker makes those it hears anew.
    So whoever may be the first to declare asks before (reminding.py).
    """
    try:
        with broker.channel() as channel:
            DEAD_LETTER_QUEUE(channel).queue_declare(passive=True)
    except NotFound:
        return True
    return False


def heard(broker: Connection) -> list[str]:
    """Return the names of our queues that somebody consumes. Declares none."""
    return [queue.name for queue in QUEUES if _consumers(broker, queue)]


def _consumers(broker: Connection, queue: Queue) -> int:
    # A channel for each: RabbitMQ closes it where the queue is missing.
    with suppress(NotFound), broker.channel() as channel:
        declared: Any = queue(channel).queue_declare(passive=True)
        return int(declared.consumer_count)
    return 0


def _declare(queue: Queue) -> None:
    queue.queue_declare(nowait=True)
    if queue.exchange and queue.exchange.name:
        queue.queue_bind(nowait=True)
    for binding in queue.bindings:
        binding.bind(queue, nowait=True)


def _await_answer(channel: Any) -> None:
    """Wait for the answer to one thing more, and with it that of all before."""
    EXCHANGES[0](channel).declare()


class BlockedError(OperationalError):
    """RabbitMQ has a memory or disk alarm and takes no messages from this connection.

    https://www.rabbitmq.com/docs/connection-blocked
    """

    # No ConnectionError, which kombu would try again on the same blocked connection.
    def __init__(self) -> None:
        super().__init__(
            "RabbitMQ has a memory or disk alarm and takes no messages. See which: "
            "rabbitmq-diagnostics alarms"
        )


def empty(broker: Connection) -> dict[str, int]:
    """Throw away what waits in our queues; returns how many messages, by queue.

    What a worker holds unacknowledged stays. Queues that are missing are declared, but
    for dead.letter.queue, which is deleted: the relay so knows that much is lost.
    """
    declare(broker)
    with broker.channel() as channel:
        thrown = {queue.name: queue(channel).purge() for queue in QUEUES}
        DEAD_LETTER_QUEUE(channel).delete()
    return {name: count for name, count in thrown.items() if count}


def fail_at_alarm(_reason: str) -> NoReturn:
    """py-amqp's `on_blocked` for who publishes now and then: waiting has no end."""
    raise BlockedError


class Listening(Connection):
    """Flower's, which would listen for ever to a broker that went silent.

    What it listens on is a clone. That one's heartbeats are sent also while it is told
    too much ever to be idle, or the broker would cut it off.
    """

    def clone(self, **kwargs: Any) -> Any:
        return super().clone(**{"heartbeat": LISTENING_HEARTBEAT} | kwargs)

    def drain_events(self, **kwargs: Any) -> Any:
        self.heartbeat_check()
        return super().drain_events(**kwargs)


class Publisher:
    """A channel with publisher confirms, many in flight (rabbitmq.com/docs/confirms).

    After a time-out it must not be used again: a late confirm of an old message would
    pass for that of a new one. After a BlockedError it may, once it is not `blocked`.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.blocked = False
        connection.on_blocked = self._block
        connection.on_unblocked = self._unblock
        self.channel = connection.channel()
        self.channel.confirm_select()
        events: Any = self.channel.events
        events["basic_ack"].add(self._confirmed)
        events["basic_nack"].add(self._refused)
        events["basic_return"].add(self._came_back)
        self.tag = 0
        self.waiting: set[int] = set()
        self.refused: set[int] = set()
        self.returned: set[str] = set()

    def publish(self, messages: Iterable[Message]) -> set[str]:
        """Publish and wait for every confirm.

        Returns the message ids that no queue took, or that cannot be sent. Raises
        ConnectionError when the broker refused one, or did not answer in time, and
        BlockedError at an alarm: none of them counts as sent.
        """
        self._wait()
        self.returned.clear()
        for message in messages:
            self._send(message)
        self._wait()
        if self.refused:
            raise ConnectionError(f"The broker refused {len(self.refused)} messages.")
        return set(self.returned)

    def _send(self, message: Message) -> None:
        self._require_unblocked()
        try:
            content = amqp.Message(message.body, **message.properties)
            self._require_room(content)
            self.channel.basic_publish(
                content,
                exchange=message.exchange,
                routing_key=message.routing_key,
                mandatory=True,
            )
        except UNSENDABLE:
            # Nothing of it was written. It must not keep all others from their way.
            logger.exception("A message to %s has no form in AMQP", message.exchange)
            self.returned.add(message.properties["message_id"])
            return
        self.tag += 1
        self.waiting.add(self.tag)

    def _require_room(self, content: Any) -> None:
        # The broker would close the connection, and the next one, and each after it.
        size = len(content._serialize_properties())  # noqa: SLF001 - nothing else knows
        if size > self.connection.frame_max - FRAME_OVERHEAD:
            raise ValueError(f"Its headers have {size} bytes: more than a frame holds.")

    def _wait(self) -> None:
        deadline = time.monotonic() + CONFIRM_SECONDS
        while self.waiting:
            self._require_unblocked()
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConnectionError(f"No confirm within {CONFIRM_SECONDS} s.")
            self.connection.drain_events(timeout=left)

    def _require_unblocked(self) -> None:
        if self.blocked:
            raise BlockedError

    def _block(self, _reason: str) -> None:
        self.blocked = True

    def _unblock(self) -> None:
        self.blocked = False

    def _confirmed(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's
        self.waiting -= self._meant(tag, multiple=multiple)

    def _refused(self, tag: int, multiple: bool) -> None:  # noqa: FBT001 - py-amqp's
        meant = self._meant(tag, multiple=multiple)
        self.refused |= meant
        self.waiting -= meant

    def _meant(self, tag: int, *, multiple: bool) -> set[int]:
        return {one for one in self.waiting if one <= tag} if multiple else {tag}

    def _came_back(
        self, _error: object, _exchange: str, _key: str, message: amqp.Message
    ) -> None:
        self.returned.add(message.properties["message_id"])

    def keep_alive(self, seconds: float = 0.001) -> None:
        """Read what the broker says within a time; send a heartbeat when it is due."""
        with suppress(TimeoutError):
            self.connection.drain_events(timeout=seconds)
        self.connection.heartbeat_tick()
