"""What becomes of a message whose handler failed: sent on, parked, and noted."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import Error

from orders_project.database import sql
from orders_project.messaging import envelope, retry
from orders_project.messaging.crash import crash_point
from orders_project.messaging.desk import replays
from orders_project.messaging.errors import Poison
from orders_project.messaging.guarding import as_task
from orders_project.messaging.outages import drop_doubtful_connection
from orders_project.messaging.wire import Wire

logger = logging.getLogger(__name__)


def settle(wire: Wire, error: Exception) -> None:
    if isinstance(error, Poison):
        park(wire, error)
    elif retry.later(wire, error):
        crash_point("hearing: on a rung, not acknowledged")
        with only_noted():
            note_work(wire.queue, "retried", 1)
            replays.retried(wire.queue, replays.mark(wire.headers), repr(error))
        logger.warning(
            "%s goes to its retry rung %d: %r",
            envelope.unread(wire.body),
            wire.attempt,
            error,
        )
    else:
        park(wire, error)


def park(wire: Wire, error: Exception) -> None:
    retry.park(wire, why_parked(error), error)
    crash_point("hearing: parked, not acknowledged")
    with only_noted():
        note_work(wire.queue, "dead", 1)
    logger.error("Parked a message of %s: %r", wire.queue, error)


def why_parked(error: Exception) -> str:
    used_up = "" if isinstance(error, Poison) else "Every retry was used up: "
    return f"{used_up}{error or type(error).__name__}"


@contextmanager
def only_noted() -> Iterator[None]:
    """Let nothing that is noted of a message decide it, once it has been sent on."""
    try:
        yield
    except Error as error:
        drop_doubtful_connection(error)
        logger.warning("Not noted, for statistics and desk: %r", error)


def note_work(queue: str, outcome: str, events: int) -> None:
    """Note what became of a number of events, for `manage.py stats`."""
    sql.run(
        "INSERT INTO messaging_work (queue, outcome, events) VALUES (%s, %s, %s)",
        [queue, outcome, events],
    )


def park_unreadable(wires: Sequence[Sequence[Any]], reason: str) -> None:
    """Park messages that are no events at all, with the reason in words."""
    for wire in wires:
        park(Wire(*wire), Poison(reason))


PARK = as_task(park_unreadable, park_unreadable).name
