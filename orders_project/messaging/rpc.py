"""A question to another app while a person waits, over RabbitMQ's direct reply-to.

https://www.rabbitmq.com/docs/direct-reply-to: no reply queue is declared, and an
answer that nobody waits for any more is dropped. So a question only reads.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from celery import Task, current_app
from kombu import Consumer, Queue
from kombu.message import Message

from orders_project.messaging.errors import UnansweredError
from orders_project.messaging.events import Question, new_id
from orders_project.messaging.hearing import takes
from orders_project.messaging.outages import BROKER_LOST, is_certain_outage
from orders_project.messaging.wire import Wire

logger = logging.getLogger(__name__)

REPLY_TO = Queue("amq.rabbitmq.reply-to", no_declare=True, no_ack=True)

Answer = dict[str, Any]


def ask(queue: Queue, question: Question, *, timeout: float) -> Answer:
    """Send a question to a queue and return the answer, a JSON object.

    Raises UnansweredError after `timeout` seconds, or when the broker is away.
    """
    try:
        return _ask(queue, question, timeout)
    except BROKER_LOST as error:
        raise UnansweredError(
            f"No answer from {queue.name}: {error!r}. Are RabbitMQ and the queue's "
            f"worker there? See: manage.py queues. A worker: celery -A orders_project "
            f"worker -Q {queue.name}"
        ) from error


def _ask(queue: Queue, question: Question, timeout: float) -> Answer:
    wanted, deadline = new_id(), time.monotonic() + timeout
    found: list[Answer] = []

    def on_message(message: Message) -> None:
        if message.properties.get("correlation_id") == wanted:
            found.append(msgspec.json.decode(message.body or b""))

    # A connection of its own: questions are rare, and a pooled one may have died idle.
    with current_app.connection_for_write(connect_timeout=timeout) as connection:
        # Kombu would try twice and sleep between, for longer than anybody waits.
        connection.ensure_connection(max_retries=0)
        channel = connection.channel()
        with Consumer(channel, [REPLY_TO], on_message=on_message, no_ack=True):
            _publish(connection.Producer(channel), queue, question, wanted, timeout)
            while not found:
                connection.drain_events(timeout=max(deadline - time.monotonic(), 0.001))
    return found[0]


def _publish(
    producer: Any, queue: Queue, question: Question, wanted: str, timeout: float
) -> None:
    producer.publish(
        msgspec.json.encode(question),
        routing_key=queue.name,
        content_type="application/json",
        content_encoding="utf-8",
        reply_to=REPLY_TO.name,
        correlation_id=wanted,
        type=question.type,
        # Nobody reads an answer that comes later than this.
        expiration=timeout,
    )


def answers(
    question: type[Question], *, on: Queue
) -> Callable[[Callable[[Any], Answer]], Task]:
    """Have a function answer a kind of question; what it returns must be JSON."""

    def decorate(handler: Callable[[Any], Answer]) -> Task:
        @wraps(handler)
        def answer(wire: Wire) -> None:
            try:
                said = handler(msgspec.json.decode(wire.body, type=question))
            except Exception as error:
                if is_certain_outage(error):
                    raise
                # Who asked waits some seconds only, and is told that nobody answered.
                logger.warning("A question on %s has no answer: %r", on.name, error)
            else:
                _reply(wire, said)

        return takes(on)(answer)

    return decorate


def _reply(wire: Wire, said: Answer) -> None:
    with current_app.producer_pool.acquire(block=True, timeout=5) as producer:
        producer.publish(
            msgspec.json.encode(said),
            routing_key=wire.reply_to,
            correlation_id=wire.correlation_id,
            content_type="application/json",
            content_encoding="utf-8",
        )
