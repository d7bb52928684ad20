"""How a worker lives with its broker."""

import json
from types import SimpleNamespace

import pytest
from celery import chain, current_app, signature
from django.db import transaction
from kombu import Connection

from orders_project.messaging import envelope, outbox
from orders_project.messaging.events import (
    URGENT,
    DeliveryConfirmed,
    OrderShipped,
    ShipmentDelivered,
    ShipmentPrepared,
    new_id,
)
from orders_project.messaging.models import Parcel
from orders_project.messaging.settling import PARK
from orders_project.messaging.worker.batch import divide, steps_together
from orders_project.messaging.worker.consumer import EventConsumer
from orders_project.messaging.worker.sorting import sort_out

LONG = 120


class TooLongError(Exception):
    """It would have gone on for ever."""


def test_a_worker_looks_for_its_broker_every_few_seconds(monkeypatch):
    tries, slept = [], []

    def sleep(seconds):
        slept.append(seconds)
        if sum(slept) > LONG:
            raise TooLongError

    def refuse():
        tries.append(len(slept))
        raise ConnectionRefusedError

    broker = Connection("amqp://nowhere.example//")
    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    monkeypatch.setattr(broker, "_connection_factory", refuse)
    with pytest.raises(TooLongError):
        worker().ensure_connected(broker)

    assert len(tries) > LONG / 6


def worker():
    """Make a consumer as Celery would, but for what needs a broker."""
    consumer = object.__new__(EventConsumer)
    consumer.app = current_app
    consumer.first_connection_attempt = False
    consumer.broker_connection_retry_attempt = 0
    return consumer


def step_message(*ids, then=(), priority=1, **headers):
    """Make a waiting message as Celery writes it: the first step of a chain."""
    first, *rest = (
        signature(f"payments.tasks.{name}") for name in ("authorise", *then)
    )
    with transaction.atomic():
        outbox.send_task(chain(first.clone(args=(list(ids),)), *rest))
    parcel = Parcel.objects.order_by("-id").first()
    message = SimpleNamespace(
        body=parcel.body.encode(),
        payload=json.loads(parcel.body),
        headers=json.loads(parcel.headers) | headers,
        properties={"priority": priority},
        delivery_info={"redelivered": False},
    )
    return sort_out("payment.prepaid.queue", message)


def batches(*waiting):
    while waiting:
        batch, waiting = divide(waiting, resting=())
        args, _kwargs, embed = steps_together(batch).get(
            "body", batch[0].message.payload
        )
        yield args[0], [step["task"] for step in embed["chain"] or ()]


@pytest.mark.django_db
def test_steps_that_go_on_alike_run_as_one_with_the_ids_of_all():
    one, other = (
        step_message("a", then=["capture"]),
        step_message("b", then=["capture"]),
    )
    again = step_message("a", then=["capture"])

    assert list(batches(one, other, again)) == [
        (["a", "b"], ["payments.tasks.capture"])
    ]


@pytest.mark.django_db
def test_steps_that_go_on_otherwise_or_have_a_story_run_alone():
    plain, longer = step_message("a"), step_message("b", then=["capture"])
    tried = step_message("c", **{"x-attempt": 1})
    urgent = step_message("d", priority=URGENT)

    ran = [ids for ids, _ in batches(plain, longer, tried, urgent)]
    assert ran == [["d"], ["a"], ["b"], ["c"]]


def test_no_event_overtakes_an_older_one_of_its_order():
    waiting = [delivered("a"), prepared("b"), delivered("b"), delivered("c")]

    assert about(waiting) == [[b'"a"', b'"c"'], [b'"b"'], [b'"b"']]


def test_what_another_queue_of_the_same_worker_brings_holds_nothing_up():
    audit, sums = (
        arrived(queue, OrderShipped(order_id=order_id, tracking=""))
        for queue, order_id in (("audit.queue", "a"), ("analytics.queue", "b"))
    )
    later = arrived("audit.queue", ShipmentDelivered(order_id="b"))

    assert about([audit, sums, later]) == [[b'"a"', b'"b"'], [b'"b"']]


def test_a_batch_ends_at_the_first_message_that_does_not_fit():
    many, small = envelope.MAX_EVENTS * 2 // 3, 1
    waiting = [of_events(number) for number in (many, many, small)]

    assert list(sizes(waiting)) == [[many], [many, small]]


def test_what_is_only_recorded_goes_in_larger_batches():
    recorded = arrived("audit.queue", ShipmentDelivered(order_id=new_id()))
    waiting = [recorded._replace(events=envelope.MAX_EVENTS)] * 5

    assert list(map(len, sizes(waiting))) == [2, 2, 1]


def of_events(number):
    return delivered(new_id())._replace(events=number)


def sizes(waiting):
    while waiting:
        batch, waiting = divide(waiting, resting=())
        yield [one.events for one in batch]


def prepared(order_id):
    return arrived(
        "order.queue", ShipmentPrepared(order_id=order_id, carrier="", tracking="")
    )


def delivered(order_id):
    return arrived("order.queue", ShipmentDelivered(order_id=order_id))


def about(waiting):
    """Return the orders of each batch."""
    found = []
    while waiting:
        batch, waiting = divide(waiting, resting=())
        found.append([order for one in batch for order in one.orders])
    return found


def test_what_nothing_can_be_made_of_is_parked_and_ends_no_worker(monkeypatch):
    def glance(_body):
        raise LookupError("a codec nobody has")

    monkeypatch.setattr(envelope, "glance", glance)
    message = SimpleNamespace(body=b"{}", headers={}, properties={}, delivery_info={})
    waiting = sort_out("order.queue", message)

    assert waiting.task == PARK
    assert "a codec nobody has" in waiting.extra[0]


def test_what_a_newer_release_hears_is_parked_and_not_let_go():
    """Its worker shares the queue, and has bound it already: it would be lost."""
    waiting = arrived("inventory.queue", OrderShipped(order_id=new_id(), tracking=""))

    assert waiting.task == PARK
    assert "does not hear 'order.shipped' on inventory.queue" in waiting.extra[0]


def test_what_a_wide_binding_brings_and_nobody_wants_is_let_go():
    assert arrived("email.queue", DeliveryConfirmed(order_id=new_id())) is None


def arrived(queue, event):
    body = envelope.encode(event).encode()
    message = SimpleNamespace(body=body, headers={}, properties={}, delivery_info={})
    return sort_out(queue, message)
