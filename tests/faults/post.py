"""F7: every message comes three times, up to five seconds late, and in any order."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from random import Random
from time import monotonic
from typing import Any

import amqp
from kombu import Connection, Queue

from orders_project.messaging.broker import Message, Publisher
from orders_project.messaging.topology import (
    CONSUMED,
    DEAD_DESK_QUEUE,
    PAYMENT_RPC_QUEUE,
    keys_of,
)
from tests.faults.rig import Rig
from tests.faults.run import Run

COPIES, LATEST = 3, 5.0
#: A dead letter is a copy already, and a question lives shorter than the delay.
SPARED = (DEAD_DESK_QUEUE.name, PAYMENT_RPC_QUEUE.name)
DIVERTED = [queue for queue in CONSUMED if queue.name not in SPARED]
#: Seconds: between two looks at the clock; for the last order to end.
TICK, END = 0.02, 240


def everything_comes_three_times(run: Run) -> None:
    """Stand between every exchange and every queue until all orders have ended."""
    with diverted(run.rig, Random(run.plan.seed)) as post:
        run.mark("every message three times, late, in any order")
        while run.ordering:
            run.pause(1)
        run.finish(END + run.plan.orders)
    run.figures.append(f"{post.tripled} messages in {post.delivered} copies")
    if post.tripled < run.plan.orders:
        run.complain(f"Only {post.tripled} messages came three times.")


@contextmanager
def diverted(rig: Rig, chance: Random) -> Iterator["Post"]:
    """Have what exchanges send to our queues go through the post office's own."""
    with Connection(rig.system.amqp_url) as broker, ThreadPoolExecutor(1) as pool:
        post = Post(broker.connection, chance)
        working = pool.submit(post.work)
        try:
            yield post
        finally:
            post.closing.set()
            working.result()


class Post:
    """Takes each message from a queue of its own, and delivers copies when it likes."""

    def __init__(self, connection: Any, chance: Random) -> None:
        self.chance = chance
        self.channel, self.publisher = connection.channel(), Publisher(connection)
        self.closing = threading.Event()
        self.tripled = self.delivered = 0
        self.seen: set[tuple[str, str]] = set()
        self.numbers = count()
        #: (when, a number that tells equals apart, the copy, what it completes)
        self.late: list[tuple[float, int, Message, int]] = []
        for queue in DIVERTED:
            self.channel.queue_declare(own(queue), durable=True, auto_delete=False)
            self.lead(queue, to=own(queue), away_from=queue.name)
            self.channel.basic_consume(
                own(queue), consumer_tag=queue.name, callback=self.take
            )

    def lead(self, queue: Queue, *, to: str, away_from: str) -> None:
        # In this order: in between a message takes both ways, which is one copy more.
        for source, key in keys_of(queue):
            self.channel.queue_bind(to, source.name, key)
        for source, key in keys_of(queue):
            self.channel.queue_unbind(away_from, source.name, key)

    def work(self) -> None:
        while not self.closing.is_set():
            self.turn()
        for queue in DIVERTED:
            self.lead(queue, to=queue.name, away_from=own(queue))
        while self.late or self.waiting():
            self.turn()
        for queue in DIVERTED:
            self.channel.basic_cancel(queue.name)
            self.channel.queue_delete(own(queue))

    def waiting(self) -> int:
        declare = self.channel.queue_declare
        return sum(
            declare(own(queue), passive=True).message_count for queue in DIVERTED
        )

    def turn(self) -> None:
        self.publisher.keep_alive(TICK)
        due = [*self.due()]
        self.publisher.publish(copy for copy, _ in due)
        self.delivered += len(due)
        for _, delivery in due:
            if delivery:
                self.channel.basic_ack(delivery)

    def take(self, message: amqp.Message) -> None:
        copies = self.copies(message)
        late = sorted(self.chance.uniform(0, LATEST) for _ in range(copies))
        for seconds in late:
            # With its last copy it is off our hands, and not before.
            done = message.delivery_tag if seconds == late[-1] else 0
            one = (monotonic() + seconds, next(self.numbers), copy_of(message), done)
            heappush(self.late, one)

    def copies(self, message: amqp.Message) -> int:
        # A step's copies each send the next step, as one and the same task: three of
        # each would be nine, then twenty-seven.
        name = (message.headers or {}).get("id") or message.properties.get(
            "message_id", ""
        )
        one = (target(message), name)
        known = one in self.seen
        self.seen.add(one)
        self.tripled += not known
        return 1 if known else COPIES

    def due(self) -> Iterator[tuple[Message, int]]:
        while self.late and self.late[0][0] <= monotonic():
            _, _, copy, delivery = heappop(self.late)
            yield copy, delivery


def own(queue: Queue) -> str:
    return f"late.{queue.name}"


def target(message: amqp.Message) -> str:
    return str(message.delivery_info["consumer_tag"])


def copy_of(message: amqp.Message) -> Message:
    """Return it for its queue alone: with CC it would go to all the others again."""
    properties = dict(message.properties)
    headers = properties.get("application_headers", {})
    properties["application_headers"] = {
        name: value for name, value in headers.items() if name != "CC"
    }
    return Message("", target(message), message.body, properties)
