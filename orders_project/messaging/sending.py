"""Sending on what a worker holds, before it is acknowledged: it must reach a queue.

RabbitMQ confirms also what no queue takes, and throws it away:
https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import current_app

from orders_project.messaging.errors import Outage

#: How whoever uses the producer publishes: else it is not told what came back.
SURELY: dict[str, Any] = {"mandatory": True, "confirm_timeout": 5}


@contextmanager
def producer() -> Iterator[Any]:
    """Lend a producer; raises Outage if what it sends comes back, or is not taken."""
    returned: list[str] = []

    def note(_error: object, exchange: object, key: str, _message: object) -> None:
        returned.append(f"{exchange} with the routing key {key!r}")

    with current_app.producer_pool.acquire(block=True, timeout=5) as lent:
        channel: Any = lent.channel
        came_back = channel.events["basic_return"]
        came_back.add(note)
        # Of the channel that kombu opens when it finds this one's connection dead.
        lent.on_return = note
        try:
            yield lent
        except (OSError, SoftTimeLimitExceeded) as error:
            # Counted as an attempt, or as a death, it would be parked after some.
            raise Outage(f"The broker did not take it: {error!r}") from error
        finally:
            lent.on_return = None
            came_back.discard(note)
    if returned:
        raise Outage(
            f"No queue takes what was sent to {returned[0]}. "
            "Declare what is missing: manage.py topology --apply"
        )
