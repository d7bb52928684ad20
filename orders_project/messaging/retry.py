"""What becomes of a message that failed: the next retry rung, or the parking place.

Both are confirmed publishes that happen before the failed message is acknowledged;
a crash between the two makes a duplicate, which the inbox absorbs.
"""

import traceback
from collections.abc import Mapping
from typing import Any

from kombu import Exchange

from orders_project.messaging import envelope, sending
from orders_project.messaging.desk import replays
from orders_project.messaging.events import new_id, utc_now
from orders_project.messaging.topology import DEAD_EXCHANGE
from orders_project.messaging.wire import Wire

#: Of a header: a traceback of any length, or what a stranger wrote into it, would not
#: fit into one AMQP frame.
MAX_HEADER = 8_000


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
    told = death(wire.headers, error, wire.queue, reason, wire.attempt)
    _publish(wire, DEAD_EXCHANGE, told)


def death(
    before: Mapping[str, Any],
    error: BaseException | None,
    queue: str,
    reason: str,
    attempts: int,
) -> dict[str, Any]:
    """Return the headers of a dead letter: where it died, why, after how many runs."""
    return failure(before, error) | {
        "x-queue": queue,
        "x-reason": reason[:MAX_HEADER],
        "x-attempts": attempts,
        "x-letter": new_id(),
    }


def failure(before: Mapping[str, Any], error: BaseException | None) -> dict[str, Any]:
    """Return the headers that tell of a failure, beside what earlier ones told."""
    # CC and x-death stay behind: CC would route the copy to the aliases again, and
    # on RabbitMQ 3.10 a republished x-death counts as a cycle.
    now = utc_now().isoformat()
    first = str(before.get("x-first-failure", now))
    return replays.mark(before) | {
        "x-first-failure": first[:MAX_HEADER],
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
            priority=wire.priority,
            content_type=envelope.SINGLE if single else envelope.BATCH,
            content_encoding="utf-8",
            delivery_mode=2,
            **sending.SURELY,
        )
