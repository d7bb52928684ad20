"""A batch: chosen from the messages that wait, and run as one Celery request."""

import logging
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionWithTraceback  # type: ignore[attr-defined]
from billiard.exceptions import SoftTimeLimitExceeded, Terminated
from celery.worker.request import Request
from celery.worker.state import task_ready

from orders_project.messaging.events import new_id
from orders_project.messaging.outages import is_outage
from orders_project.messaging.steps import HELD, STEPS
from orders_project.messaging.worker import pace
from orders_project.messaging.worker.sorting import Waiting

if TYPE_CHECKING:
    from orders_project.messaging.worker.gathering import Gathering

logger = logging.getLogger(__name__)

ACK, REJECT = "ack_log_error", "reject_log_error"
#: What comes to `on_failure` beside outages when Celery could not send a chain's next
#: step. A handler has settled its own errors by then.
BROKER_SILENT = (OSError, SoftTimeLimitExceeded)
NO_CANVAS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def divide(
    waiting: Iterable[Waiting], resting: Container[str]
) -> tuple[list[Waiting], list[Waiting]]:
    """Return the next batch, and what stays: the most urgent first, then the oldest.

    A batch is of one task that does not rest, or empty. Nothing overtakes an older
    message of the same queue about one of its orders: an event that comes too early
    waits on its rung for 5 s.
    """
    in_turn = iter(sorted(waiting, key=lambda one: -one.wire.priority))
    batch: list[Waiting] = []
    others: list[Waiting] = []
    room = 0
    passed: defaultdict[str, set[bytes]] = defaultdict(set)
    for one in in_turn:
        older = passed[one.wire.queue]
        may_join = _are_alike(one, batch[0]) if batch else one.task not in resting
        if not may_join or not older.isdisjoint(one.orders):
            others.append(one)
            older |= one.orders
        elif one.events <= room or not batch:
            room = (room if batch else pace.of(one.wire.queue).events) - one.events
            batch.append(one)
        else:
            # To look on, for one that is small enough, was 28 % of a worker's time.
            return batch, [*others, one, *in_turn]
    return batch, others


def _are_alike(one: Waiting, other: Waiting) -> bool:
    return (one.task, one.extra) == (other.task, other.extra)


class BatchRequest(Request):
    """Celery's request for a task, whose acknowledgement is that of many messages.

    Of a step that is alone it is what Celery would make; steps that go on alike run
    as the first of them, with the ids of all.
    """

    batch: Sequence[Waiting]
    gathering: "Gathering"

    @classmethod
    def of(cls, batch: Sequence[Waiting], gathering: "Gathering") -> "BatchRequest":
        consumer, first = gathering.consumer, batch[0]
        request = cls(
            first.message,
            on_ack=_settling(batch, gathering, ACK),
            on_reject=_settling(batch, gathering, REJECT),
            app=consumer.app,
            hostname=consumer.hostname,
            eventer=consumer.event_dispatcher,
            task=consumer.app.tasks[first.task],
            connection_errors=consumer.connection_errors,
            **(steps_together(batch) if first.task in STEPS else _content(batch)),
        )
        request.batch, request.gathering = batch, gathering
        return request

    def revoked(self) -> bool:
        # Celery would acknowledge what nobody has handled: a whole batch.
        return False

    def _announce_revoked(self, *args: Any) -> None:
        # The same, before the pool process has ended: on_failure will hear of it.
        pass

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, Terminated):
            logger.warning("%s was terminated: its messages come again.", self.name)
            task_ready(self)
            self.reject(requeue=True)
        elif is_outage(error) or isinstance(error, BROKER_SILENT):
            logger.warning("%s waits for database or broker: %r", self.name, error)
            task_ready(self)
            self.gathering.give_back(self.batch)
        else:
            super().on_failure(exc_info, *args, **kwargs)


def steps_together(batch: Sequence[Waiting]) -> dict[str, Any]:
    first = batch[0].message
    held = {HELD: batch[0].wire.held}
    if len(batch) == 1:
        return {"headers": first.headers | held}
    ids = dict.fromkeys(i for one in batch for i in one.message.payload[0][0])
    _args, kwargs, embed = first.payload
    headers = first.headers | held | {"argsrepr": f"({len(ids)} ids)"}
    return {"headers": headers, "body": ((list(ids),), kwargs, embed), "decoded": True}


def _content(batch: Sequence[Waiting]) -> dict[str, Any]:
    first = batch[0]
    return {
        "headers": {
            "id": new_id(),
            "task": first.task,
            "lang": "py",
            "argsrepr": f"({sum(one.events for one in batch)} events)",
            "kwargsrepr": "",
        },
        "body": (([tuple(one.wire) for one in batch], *first.extra), {}, NO_CANVAS),
        "decoded": True,
    }


def _settling(
    batch: Sequence[Waiting], gathering: "Gathering", how: str
) -> Callable[..., None]:
    begun = monotonic()

    def settle(*args: Any, **kwargs: Any) -> None:
        for one in batch:
            getattr(one.message, how)(*args, **kwargs)
        gathering.rest(batch, monotonic() - begun)
        # What was rejected comes again.
        gathering.done(batch if how == ACK else ())

    return settle
