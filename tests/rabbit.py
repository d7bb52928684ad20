"""What tests do with RabbitMQ, in the words of the tests."""

from types import SimpleNamespace

from orders_project.messaging import envelope
from orders_project.messaging.broker import Message, Publisher
from tests.awaiting import eventually


class Broker:
    """A connection, a channel and a publisher with confirms."""

    def __init__(self, connection, channel):
        self.connection, self.channel = connection, channel
        self.publisher = Publisher(connection.connection)

    def send(self, exchange, key, *bodies, headers=None, priority=1, **properties):
        """Publish bodies with confirms; returns what no queue took."""
        return self.publisher.publish(
            Message(
                exchange,
                key,
                body,
                {"application_headers": headers or {}, "priority": priority}
                | {"message_id": str(index), "delivery_mode": 2}
                | properties,
            )
            for index, body in enumerate(bodies)
        )

    def say(self, queue, *events, **options):
        """Put events into a queue, each as a message of its own."""
        self.send("", queue.name, *(envelope.encode(e) for e in events), **options)

    def listen(self, exchange, key="", **arguments):
        """Bind a queue of our own, gone with the connection; returns its name."""
        name = self.channel.queue_declare(exclusive=True).queue
        self.channel.queue_bind(name, exchange, key, arguments=arguments)
        return name

    def get(self, queue):
        """Take the next message of a queue now, or None."""
        message = self.channel.basic_get(queue, no_ack=True)
        return message and SimpleNamespace(
            body=message.body,
            headers=message.headers or {},
            properties=message.properties,
            **message.delivery_info,
        )

    def take(self, queue, within=30):
        """Take the next message of a queue, waiting for it."""
        return eventually(lambda: self.get(queue), within=within)

    def is_empty(self, queue):
        return self.channel.queue_declare(queue, passive=True).message_count == 0
