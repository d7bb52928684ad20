"""What becomes of a message that failed: the next retry rung, or the parking place.

Both are confirmed publishes that happen before the failed message is acknowledged;
a crash between the two makes a duplicate, which the inbox absorbs.
"""

import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

from kombu import Exchange

from orders_project.messaging import envelope, sending
from orders_project.messaging.desk import replays
from orders_project.messaging.events import NORMAL, new_id, utc_now
from orders_project.messaging.topology import DEAD_EXCHANGE

#: Of a header: a traceback of any length would not fit into one AMQP frame.
MAX_HEADER = 8_000


def attempts_in(header: object) -> int:
    """Read `x-attempt`, in which somebody else may have written anything."""
    return header if isinstance(header, int) else 0


class Wire(NamedTuple):
    """A message, or one event of it, as it came from a queue. Crosses to the pool."""

    queue: str
    body: bytes
    headers: Mapping[str, Any]
    priority: int
    redelivered: bool
    reply_to: str = ""
    correlation_id: str = ""
    #: An outage stopped it, or its connection was lost, in the hands of a worker that
    #: lives: no death to count.
    held: bool = False

    @property
    def attempt(self) -> int:
        """How many times it has run, counting this one."""
        return attempts_in(self.headers.get("x-attempt")) + 1


def later(wire: Wire, error: BaseException) -> bool:
    """Send a message to its next rung; False when it has been on every one."""
    rungs = replays.rungs(wire.headers)
    if wire.attempt > len(rungs):
        return False
    headers = failure(wire.headers, error) | {"x-attempt": wire.attempt}
    _publish(wire, rungs[wire.attempt - 1].exchange, headers)
    return True


def park(wire: Wire, reason: str, error: BaseException | None = None) -> None:
    """Put a message into dead.letter.queue, with why and what it did."""
    headers = failure(wire.headers, error) | {
        "x-queue": wire.queue,
        "x-reason": reason[:MAX_HEADER],
        "x-attempts": wire.attempt,
        "x-letter": new_id(),
    }
    _publish(wire, DEAD_EXCHANGE, headers)


def failure(before: Mapping[str, Any], error: BaseException | None) -> dict[str, Any]:
    """Return the headers that tell of a failure, beside what earlier ones told."""
    # CC and x-death stay behind: CC would route the copy to the aliases again, and
    # on RabbitMQ 3.10 a republished x-death counts as a cycle.
    now = utc_now().isoformat()
    return replays.mark(before) | {
        "x-first-failure": before.get("x-first-failure", now),
        "x-last-failure": now,
        "x-exception": f"{type(error).__name__}: {error}"[:MAX_HEADER] if error else "",
        "x-traceback": _trace(error),
    }


def _trace(error: BaseException | None) -> str:
    return "".join(traceback.format_exception(error))[-MAX_HEADER:] if error else ""


def _publish(wire: Wire, exchange: Exchange, headers: dict[str, Any]) -> None:
    single = not wire.body.lstrip().startswith(b"[")
    with sending.producer() as producer:
        producer.publish(
            wire.body,
            exchange=exchange.name,
            routing_key=wire.queue,
            headers=headers,
            priority=wire.priority or NORMAL,
            content_type=envelope.SINGLE if single else envelope.BATCH,
            content_encoding="utf-8",
            delivery_mode=2,
            **sending.SURELY,
        )
