"""What tests of the desk share: a queue with our handler, and its dead letters."""

import json

from celery import current_app

from orders_project.messaging import envelope
from orders_project.messaging.desk import recording
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.hearing import HEARS, Listener, run_batch
from orders_project.messaging.models import DeadLetter, Parcel
from orders_project.messaging.retry import failure
from orders_project.messaging.topology import ANALYTICS_QUEUE
from orders_project.messaging.wire import Wire

QUEUE = ANALYTICS_QUEUE
BY = {"who": "ada", "why": "fixed in 1.4"}
EVERY = DeadLetter.objects.all


class Handler:
    """Remembers what it handled, and fails for as long as it is told to."""

    def __init__(self):
        self.handled, self.error = [], None

    @classmethod
    def failing(cls, error):
        handler = cls()
        handler.error = error
        return handler

    def __call__(self, events):
        if self.error:
            raise self.error
        self.handled += events


def listen(monkeypatch, handler, kind=OrderPaid, *, inbox=True):
    listener = Listener(
        f"test.{kind.type}", QUEUE.name, handler, inbox, as_written=False
    )
    monkeypatch.setitem(HEARS, (QUEUE.name, kind.type), listener)


def paid(**fields):
    return OrderPaid(
        **{"order_id": new_id(), "total_cents": 1999, "currency": "USD"} | fields
    )


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def dead(body, queue=QUEUE.name, error=None, **headers):
    """Return the message that retry.park would publish."""
    told = failure({}, error or raised(ValueError("a bug")))
    told |= {"x-queue": queue, "x-reason": "It broke.", "x-letter": new_id()}
    raw = body if isinstance(body, bytes) else body.encode()
    return Wire("dead.desk.queue", raw, told | headers, 1, redelivered=False)


def letter_of(event, **how):
    recording.record(dead(envelope.encode(event), **how))
    return DeadLetter.objects.get(event_id=event.id)


def step_letter(task, order_id, queue):
    """Put a parked step of a chain on the desk."""
    body = f'[[["{order_id}"]], {{}}, {{"chain": null}}]'
    headers = {"task": task, "id": new_id(), "lang": "py", "root_id": new_id()}
    assert task in current_app.tasks
    recording.record(dead(body, queue=queue, **headers))
    return DeadLetter.objects.get(order_id=order_id)


def deliver():
    """Do what the relay and a worker do with what a replay sent."""
    parcels = list(Parcel.objects.order_by("id"))
    Parcel.objects.all().delete()
    for parcel in parcels:
        headers = json.loads(parcel.headers)
        run_batch(
            [tuple(Wire(parcel.routing_key, parcel.body.encode(), headers, 1, 0))]
        )
    return parcels


def whats(letter):
    return [action.what for action in letter.actions.all()]
