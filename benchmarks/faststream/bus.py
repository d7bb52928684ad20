"""A topic exchange, seven queues, and what is said on them."""

import os
from uuid import uuid4

import msgspec
from fast_depends.msgspec import MsgSpecSerializer
from faststream.rabbit import (
    Channel,
    ExchangeType,
    RabbitBroker,
    RabbitExchange,
    RabbitQueue,
)

PREFETCH = 200
MILESTONES = ("order.created", "order.paid", "order.shipped", "order.completed")
#: queue -> the events that it hears.
QUEUES = {
    "inventory": ("order.created", "payment.success"),
    "payment": ("inventory.reserved",),
    "order": ("payment.success", "shipping.prepared", "shipping.delivered"),
    "shipping": ("payment.success", "order.shipped"),
    "email": MILESTONES,
    "sms": MILESTONES,
    "audit": ("#",),
}
EXCHANGE = RabbitExchange("events", type=ExchangeType.TOPIC, durable=True)

# Publisher confirms are aio-pika's default.
broker = RabbitBroker(
    os.environ["AMQP_URL"],
    default_channel=Channel(prefetch_count=PREFETCH),
    logger=None,
    serializer=MsgSpecSerializer(),  # faster than Pydantic
)


class Line(msgspec.Struct):
    sku: str
    quantity: int


class Event(msgspec.Struct):
    type: str
    subject: str
    total_cents: int
    lines: list[Line]
    id: str = msgspec.field(default_factory=lambda: str(uuid4()))

    def leads_to(self, kind: str) -> "Event":
        return Event(
            type=kind,
            subject=self.subject,
            total_cents=self.total_cents,
            lines=self.lines,
        )


async def publish(event: Event) -> None:
    await broker.publish(event, exchange=EXCHANGE, routing_key=event.type, persist=True)


async def declare() -> None:
    exchange = await broker.declare_exchange(EXCHANGE)
    for name, keys in QUEUES.items():
        queue = await broker.declare_queue(RabbitQueue(name, durable=True))
        for key in keys:
            await queue.bind(exchange, key)
