"""`@step`: one task of a Celery chain inside an app, over a list of ids.

An app starts its chains through the outbox, by its `CHAINS` (chains.py). A step gets
ids and returns those that go on to the next one. It may run twice for the same ids (its
worker died, its message came twice): it must check the rows' status first.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task, current_app, current_task, shared_task
from kombu import Queue

from orders_project.messaging import deaths, sending
from orders_project.messaging.crash import crash_point
from orders_project.messaging.deaths import smaller
from orders_project.messaging.desk import replays
from orders_project.messaging.errors import Outage, RetryLater
from orders_project.messaging.events import NORMAL
from orders_project.messaging.guarding import (
    CAREFUL,
    guarded,
    has_no_time_left,
    path_of,
)
from orders_project.messaging.outages import (
    BROKER_LOST,
    drop_doubtful_connection,
    is_certain_outage,
    may_pass,
)
from orders_project.messaging.retry import death, failure
from orders_project.messaging.settling import note_work, only_noted, why_parked
from orders_project.messaging.topology import DEAD_EXCHANGE, RUNGS
from orders_project.messaging.wire import attempt_of

logger = logging.getLogger(__name__)

Step = Callable[[Sequence[str]], Sequence[str]]

#: The names of all steps: a worker keeps in hand what an outage stops of them.
STEPS: set[str] = set()
#: A request's mark: its step was sent to a rung, or to the dead letters.
SENT_AGAIN = "sent_again"
#: A request's mark: an outage stopped its step in the hands of a worker that lives.
HELD = "held"
#: A request's mark: one of its ids took all the time that there was.
LATE = "late"
TOO_LATE = RetryLater("There was no time left for it: one before it took too long.")


def step(work: Step) -> Task:
    """Make a function over ids a task of a chain, with retries and parking.

    An error harms only the id that caused it: the batch runs again in fifties, and
    then one by one; the failing id goes up the retry rungs with the rest of its
    chain, and is parked after the last. So is an id whose workers die.
    """
    name = path_of(work)

    def run(ids: Sequence[str]) -> list[str]:
        done = _run_and_note(work, list(ids))
        crash_point("steps: done, not acknowledged", name)
        return done

    STEPS.add(name)
    register: Callable[..., Task] = shared_task(name=name, **CAREFUL)
    return register(wraps(work)(guarded(run, is_certain_outage)))


def _run_and_note(work: Step, ids: list[str]) -> list[str]:
    past = [one for part in _parts(ids) for one in _run(work, part)]
    # What was sent up the rungs again, or parked, did not come to its end.
    if not current_task.request.get(SENT_AGAIN):
        replays.done(_queue(), replays.mark(_before()))
    return past


def _parts(ids: list[str]) -> Iterator[list[str]]:
    delivery: Any = current_task.request.delivery_info or {}
    if not delivery.get("redelivered"):
        yield ids
        return
    keys = {_key(one): one for one in ids}
    held = bool(current_task.request.get(HELD))
    for part in deaths.in_parts(
        _queue(),
        list(keys),
        id_of=lambda key: key,
        is_held=lambda _key: held,
        park=lambda key, error: _park([keys[key]], error),
    ):
        yield [keys[key] for key in part]
        deaths.forget(_queue(), part)


def _key(one: str) -> str:
    return deaths.key_of(f"{current_task.name} {one}")


def _run(work: Step, ids: list[str]) -> list[str]:
    if current_task.request.get(LATE):
        _fail(ids, TOO_LATE)
        return []
    try:
        return list(work(ids)) if ids else []
    except Exception as error:
        drop_doubtful_connection(error)
        if is_certain_outage(error) or has_no_time_left(error, ids):
            raise
        if may_pass(error, current_task.request.get(HELD) or 0):
            raise Outage(f"The database is slow: {error}") from None
        if len(ids) > 1:
            return [one for part in smaller(ids) for one in _run(work, part)]
        # Of a partner who is away each id takes so long. To go on would be to be killed
        # with all that are left, again and again, until they are parked for it.
        current_task.request.update({LATE: isinstance(error, SoftTimeLimitExceeded)})
        _fail(ids, error)
        return []


def _fail(ids: list[str], error: Exception) -> None:
    if attempt() > len(replays.rungs(_before())) or not retry_step(ids, error):
        _park(ids, error)


def attempt() -> int:
    """Return how many times the step has run for its ids, counting this one."""
    return attempt_of(getattr(current_task.request, "x-attempt", 0))


def retry_step(ids: Sequence[str], error: BaseException) -> bool:
    """Send the running step, for these ids alone, to its next retry rung.

    The rest of its chain travels along. False when every rung was used: then it is
    the caller's to decide what becomes of them.
    """
    if not ids:
        return True
    if attempt() > len(RUNGS):
        return False
    exchange = RUNGS[attempt() - 1].exchange.name
    headers = failure(_before(), error) | {"x-attempt": attempt()}
    _send_again(ids, exchange, headers)
    _note_leaving("retried", ids)
    with only_noted():
        replays.retried(_queue(), replays.mark(_before()), repr(error))
    whose = ids[0] if len(ids) == 1 else f"{len(ids)} ids"
    name = current_task.name
    logger.warning("%s goes to %s for %s: %r", name, exchange, whose, error)
    return True


def _park(ids: Sequence[str], error: Exception) -> None:
    reason = why_parked(error)
    headers = death(_before(), error, _queue(), reason, attempt())
    _send_again(ids, DEAD_EXCHANGE.name, headers)
    _note_leaving("dead", ids)
    logger.error("Parked %s for %s: %r", current_task.name, list(ids), error)


def _note_leaving(outcome: str, ids: Sequence[str]) -> None:
    current_task.request.update({SENT_AGAIN: True})
    with only_noted():
        note_work(_queue(), outcome, len(ids))


def _before() -> dict[str, Any]:
    """Return what the message's headers tell of its first failure and its replay."""
    told = ("x-first-failure", replays.HEADER)
    found = {name: getattr(current_task.request, name, None) for name in told}
    return {name: value for name, value in found.items() if value is not None}


def _queue() -> str:
    return queue_of(current_task.name)


def queue_of(task: str) -> str:
    """Name the queue that carries a step."""
    queue: Queue = current_app.amqp.router.route({}, task)["queue"]
    return queue.name


def _priority() -> int:
    delivery: Any = current_task.request.delivery_info
    return delivery["priority"] or NORMAL


def _send_again(ids: Sequence[str], exchange: str, headers: dict[str, Any]) -> None:
    signature = current_task.signature_from_request(args=(list(ids),))
    signature["options"] = {
        key: value
        for key, value in signature.options.items()
        if key in ("chain", "root_id", "parent_id", "link", "link_error")
    }
    try:
        with sending.producer() as producer:
            signature.apply_async(
                exchange=exchange,
                routing_key=_queue(),
                headers=headers,
                priority=_priority(),
                producer=producer,
                **sending.SURELY,
            )
    except BROKER_LOST as error:
        raise Outage(f"The broker did not take it: {error!r}") from error
    crash_point("steps: on a rung, not acknowledged")
