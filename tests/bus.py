"""A bus for tests without a broker: it does to the outbox what relay and workers do.

Everything crosses as the JSON text that would be on the wire, so that nothing gets
through here which RabbitMQ could not carry.
"""

import json

from celery import current_app
from django.db import transaction

from orders_project.messaging import envelope
from orders_project.messaging.guarding import guarded
from orders_project.messaging.hearing import HEARS, run_batch
from orders_project.messaging.models import LoggedEvent, Parcel
from orders_project.messaging.wire import Wire


def said(*types):
    """Return the events in the log, oldest first; only of these classes if named."""
    events = [
        envelope.decode(row.body.encode()) for row in LoggedEvent.objects.order_by("id")
    ]
    return [event for event in events if not types or type(event) in types]


def hear(queue, *events, redelivered=False, attempt=0, held=0):
    """Let a queue's handlers hear these events as one batch, as in a worker."""
    body = envelope.batch([envelope.encode(event) for event in events]).encode()
    headers = {"x-attempt": attempt} if attempt else {}
    wire = Wire(queue.name, body, headers, 1, redelivered, held=held)
    guarded(run_batch)([tuple(wire)])


def hear_text(queue, text):
    """Let a queue's handlers hear what somebody else wrote."""
    guarded(run_batch)([tuple(Wire(queue.name, text.encode(), {}, 1, False))])


def pump(limit=50):
    """Carry everything that is due until nothing moves any more."""
    for _ in range(limit):
        if not carry():
            return
    raise AssertionError(f"Still moving after {limit} rounds")


def carry():
    """Carry what is due now, but not what that leads to; return what it was."""
    with transaction.atomic():
        parcels = list(Parcel.objects.order_by("-priority", "id"))
        Parcel.objects.filter(pk__in=[parcel.pk for parcel in parcels]).delete()
    for parcel in parcels:
        _run_task(parcel) if parcel.body else _hear(parcel.event_ids)
    return parcels


def _hear(event_ids):
    for event in LoggedEvent.objects.filter(pk__in=event_ids).order_by("pk"):
        for queue, heard in list(HEARS):
            if heard == event.type:
                wire = Wire(queue, event.body.encode(), {}, 1, False)
                run_batch([tuple(wire)])


def _run_task(parcel):
    """Run a task, and the rest of its chain with what each step returns."""
    name = json.loads(parcel.headers)["task"]
    args, kwargs, embed = json.loads(parcel.body)
    result = current_app.tasks[name](*args, **kwargs)
    for step in reversed(embed.get("chain") or []):
        result = current_app.tasks[step["task"]](
            result, *step["args"], **step["kwargs"]
        )


class Rungs(list):
    """What would have gone to a retry rung or to the dead letters."""

    def to(self, exchange):
        return [wire for wire, to, _ in self if to.name == exchange]

    @property
    def dead(self):
        return [
            headers["x-reason"] for _, to, headers in self if to.name == "dead.exchange"
        ]
