"""Chains of steps in real workers: their priority stays that of the order."""

import json

import pytest
from celery import chain, signature
from django.db import transaction

from orders_project.messaging import outbox, relay
from orders_project.messaging.events import NORMAL, URGENT, new_id
from tests.processes import worker


def send(broker, name, ids, *then, priority):
    first = signature(name, args=(ids,), priority=priority)
    with transaction.atomic():
        outbox.send_task(chain(first, *map(signature, then)))
    relay.carry(broker.publisher)


@pytest.mark.parametrize("priority", [NORMAL, URGENT])
def test_a_chain_keeps_its_priority_after_its_first_step(broker, priority):
    refund, accept = "payments.tasks.refund", "payments.tasks.accept"
    send(broker, refund, [], accept, priority=priority)

    with worker("payment.prepaid.queue"):
        second = broker.take("payment.cod.queue")
    assert second.headers["task"] == accept
    assert second.properties["priority"] == priority


def test_a_step_that_waits_on_a_rung_keeps_its_priority_and_its_chain(broker):
    hand_over, deliver = "shipping.tasks.hand_over", "shipping.tasks.deliver"
    send(broker, hand_over, ["no order's id"], deliver, priority=URGENT)

    with worker("shipping.tasks"):
        waiting = broker.take("retry.5s")
    assert waiting.headers["task"] == hand_over
    assert waiting.headers["x-attempt"] == 1
    assert waiting.properties["priority"] == URGENT
    *_, embed = json.loads(waiting.body)
    assert [step["task"] for step in embed["chain"]] == [deliver]


def test_a_step_of_an_older_release_is_parked_with_its_chain(broker):
    book, prepare = "shipping.tasks.book", "shipping.tasks.prepare"
    send(broker, book, [new_id()], prepare, priority=NORMAL)

    with worker("shipping.tasks"):
        parked = broker.take("dead.letter.queue")
    assert parked.headers["task"] == book
    *_, embed = json.loads(parked.body)
    assert [step["task"] for step in embed["chain"]] == [prepare]


def test_a_step_that_is_gone_behind_one_that_is_not_is_parked_alone(broker):
    refund, settle = "payments.tasks.refund", "payments.tasks.settle"
    send(broker, refund, [order := new_id()], settle, priority=NORMAL)

    with worker("payment.prepaid.queue"), worker("messaging.tasks"):
        parked = broker.take("dead.letter.queue")
    assert parked.headers["task"] == settle
    assert json.loads(parked.body)[0] == [[order]]
