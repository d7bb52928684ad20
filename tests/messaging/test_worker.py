"""How a worker lives with its broker."""

import json
from types import SimpleNamespace

import pytest
from celery import chain, current_app, signature
from django.db import transaction
from kombu import Connection

from orders_project.messaging import outbox
from orders_project.messaging.events import URGENT
from orders_project.messaging.gathering import Gathering, steps_together
from orders_project.messaging.models import Parcel
from orders_project.messaging.sorting import sort_out
from orders_project.messaging.worker import EventConsumer

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
    gathering = Gathering(None)
    gathering.waiting = list(waiting)
    while gathering.waiting:
        batch = gathering.take()
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
