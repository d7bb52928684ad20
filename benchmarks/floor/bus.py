"""Raw py-amqp: a topic exchange, seven queues, confirms and acknowledgements."""

import os
from functools import partial
from urllib.parse import urlsplit

import amqp

EXCHANGE = "events"
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


def connect():
    url = urlsplit(os.environ["AMQP_URL"])
    connection = amqp.Connection(
        f"{url.hostname}:{url.port}", url.username, url.password,
        virtual_host=url.path[1:],
    )  # fmt: skip
    connection.connect()
    channel = connection.channel()
    channel.exchange_declare(EXCHANGE, "topic", durable=True, auto_delete=False)
    for queue, keys in QUEUES.items():
        channel.queue_declare(queue, durable=True, auto_delete=False)
        for key in keys:
            channel.queue_bind(queue, EXCHANGE, key)
    return connection, channel


def consume(queues, work):
    """Hand every message of these queues to `work(queue, message)`, for ever."""
    connection, channel = connect()
    channel.basic_qos(0, 200, a_global=False)
    for name in queues:
        channel.basic_consume(name, callback=partial(work, name))
    while True:
        connection.drain_events()


class Publisher:
    """Publishes many messages, then waits for the word that the broker has them all."""

    def __init__(self):
        self.connection, self.channel = connect()
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._confirmed)
        self.sent, self.waiting = 0, set()

    def publish(self, messages):
        for key, body in messages:
            self.sent += 1
            self.waiting.add(self.sent)
            message = amqp.Message(body, delivery_mode=2)
            self.channel.basic_publish(message, EXCHANGE, key)
        while self.waiting:
            self.connection.drain_events(timeout=30)

    def _confirmed(self, tag, multiple):
        done = {one for one in self.waiting if one <= tag} if multiple else {tag}
        self.waiting -= done
