"""A Celery task that never acknowledges a message by accident."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task, shared_task
from celery.exceptions import Reject
from django.db import InternalError, OperationalError

from orders_project.messaging.errors import Outage
from orders_project.messaging.outages import drop_doubtful_connection, is_outage

#: A message must never be acknowledged by accident: on time-outs it comes back, and
#: an error that escapes us is rejected, so that the broker parks it; or drops it, of
#: queues without a dead-letter exchange (email, sms, payment.rpc, dead.desk).
CAREFUL: dict[str, Any] = {
    "acks_late": True,
    "acks_on_timeout": False,
    "acks_on_failure": False,
    "acks_on_failure_or_timeout": False,
    "reject_on_worker_lost": True,
    "ignore_result": True,
    "throws": (Outage,),  # the worker says it in one line, without a traceback
}


def as_task(run: Callable[..., object], handler: Callable[..., object]) -> Task:
    """Make a Celery task that runs `run` under the name of the handler."""
    work = wraps(handler)(guarded(run))
    register: Callable[[Callable[..., object]], Task] = shared_task(
        name=path_of(handler), typing=False, **CAREFUL
    )
    return register(work)


def path_of(handler: Callable[..., object]) -> str:
    return f"{handler.__module__}.{handler.__name__}"


def guarded(
    run: Callable[..., object], is_gone: Callable[[BaseException], bool] = is_outage
) -> Callable[..., object]:
    """Have a function raise Outage when database or broker are gone.

    Then nothing was decided, and the worker keeps the messages until they are back.
    """

    def work(*args: Any) -> object:
        try:
            return run(*args)
        except Exception as error:
            drop_doubtful_connection(error)
            # Handlers and steps have settled what failed in them: what is left is our
            # own, such as a count of deaths that the server was too slow for, or a dead
            # letter's row that a person's replay has locked for long.
            if is_gone(error) or isinstance(error, (OperationalError, InternalError)):
                raise Outage(f"{type(error).__name__}: {error}") from None
            if isinstance(error, SoftTimeLimitExceeded):
                # What was not handled or parked by then comes again.
                raise Reject(requeue=True) from None
            raise

    return work


def has_no_time_left(error: Exception, batch: Sequence[object]) -> bool:
    """Tell whether to go on would be to be killed with all of a batch.

    It comes again, in parts. One that is alone has failed by itself.
    """
    return isinstance(error, SoftTimeLimitExceeded) and len(batch) > 1
