"""Failures of every kind, in a real worker on the live broker."""

import json
import os
import pickle
import time
from statistics import quantiles
from uuid import UUID

import pytest
from celery import chain, current_app, signature
from django.db import transaction
from django.db.models import Sum

from orders_project.messaging import envelope, inspection, outbox, relay
from orders_project.messaging.broker import declare
from orders_project.messaging.events import OrderPaid, new_id, utc_now
from orders_project.messaging.models import Attempt, DeadLetter, Inbox, Work
from tests.awaiting import eventually
from tests.broker.behaviours import (
    CLOSED,
    DEADLY,
    FINE,
    HOPELESS,
    KILLER,
    POISONED,
    QUEUE,
    SILENT,
    STUCK,
    TOO_EARLY,
)
from tests.processes import worker
from tests.texts import DEEP


def paid(does=FINE, count=1):
    return [
        OrderPaid(order_id=new_id(), total_cents=does, currency="USD")
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def crooked(django_db_setup, topology):
    with worker(QUEUE.name, app="tests.broker.crooked") as running:
        yield running


def tally():
    return Work.objects.aggregate(all=Sum("events"))["all"]


def handled(events):
    ids = [event.id for event in events]
    return Inbox.objects.filter(event_id__in=ids).count() == len(ids)


def test_a_process_that_hears_no_signal_is_killed_and_its_events_come_again(
    broker, crooked
):
    events = [*paid(STUCK), *paid(count=20)]
    broker.say(QUEUE, *events)

    assert eventually(lambda: handled(events), within=30)
    assert not Attempt.objects.exists()
    assert broker.is_empty("dead.letter.queue")


def test_a_poisoned_event_in_a_batch_is_parked_alone(broker, crooked):
    good, (bad,) = paid(count=99), paid(POISONED)
    array = envelope.batch([envelope.encode(e) for e in (*good[:50], bad, *good[50:])])
    broker.send("", QUEUE.name, array)

    dead = broker.take("dead.letter.queue")
    assert dead.headers["x-reason"] == "It says no such thing."
    assert bad.id in dead.body
    assert eventually(lambda: handled(good))
    assert broker.is_empty("dead.letter.queue")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not JSON at all", "not JSON with CloudEvents"),
        ('{"hello": "world"}', "The event type '' is unknown"),
        (
            json.dumps({"type": "order.eaten"}),
            "The event type 'order.eaten' is unknown",
        ),
        (envelope.encode(paid()[0]).replace("/1", "/9"), "has version '9'"),
        (envelope.encode(paid()[0]).replace('"subject"', '"sub"'), "`subject`"),
        ("x" * 5_000_000, "5000000 bytes; 1048576 are allowed"),
        (pickle.dumps(os.getcwd), "not JSON with CloudEvents"),
        (DEEP, "recursion"),
    ],
    ids=["text", "no event", "type", "version", "no order", "5 MB", "pickle", "deep"],
)
def test_a_bad_message_is_parked_with_the_reason(broker, crooked, body, reason):
    good = paid()
    broker.send("", QUEUE.name, body)
    broker.say(QUEUE, *good)

    dead = broker.take("dead.letter.queue")
    assert reason in dead.headers["x-reason"]
    assert dead.headers["x-queue"] == QUEUE.name
    assert eventually(lambda: handled(good))


@pytest.mark.parametrize(
    "headers",
    [{"x-attempt": 2**63 - 1}, {"x-first-failure": "once" * 32_725}],
    ids=["attempts", "time"],
)
def test_a_header_that_cannot_be_sent_on_harms_nobody(broker, crooked, headers):
    (bad,), good = paid(POISONED), paid(count=30)
    broker.say(QUEUE, bad, headers=headers)
    broker.say(QUEUE, *good)

    dead = broker.take("dead.letter.queue")
    assert dead.headers["x-reason"] == "It says no such thing."
    assert eventually(lambda: handled(good))
    assert broker.is_empty("dead.letter.queue")


@pytest.mark.parametrize(
    "headers",
    [
        {"task": ["a", "list"]},
        {"task": "payments.tasks.authorise"},
        {"task": "payments.tasks.authorise", "id": new_id(), "eta": "never"},
    ],
    ids=["no name", "no id", "no time"],
)
def test_a_broken_celery_task_is_parked_and_its_worker_lives(broker, crooked, headers):
    good = paid()
    body = json.dumps([[["an order"]], {}, {"chain": None}])
    broker.send("", QUEUE.name, body, headers=headers, content_type="application/json")
    broker.say(QUEUE, *good)

    assert broker.take("dead.letter.queue")
    assert eventually(lambda: handled(good))
    assert crooked.poll() is None


def test_a_pickled_celery_task_is_refused_and_parked(broker, crooked):
    broker.send(
        "",
        QUEUE.name,
        pickle.dumps(([], {}, {})),
        headers={"task": "messaging.prune", "id": new_id(), "lang": "py"},
        content_type="application/x-python-serialize",
        content_encoding="binary",
    )

    dead = broker.take("dead.letter.queue")
    assert dead.headers["x-death"][0]["reason"] == "rejected"


def test_what_came_too_early_waits_on_a_rung_and_returns(broker, crooked):
    (early,) = paid(TOO_EARLY)
    started = time.monotonic()
    broker.say(QUEUE, early)

    eventually(lambda: not broker.is_empty("retry.5s"))
    assert eventually(lambda: handled([early]))
    assert time.monotonic() - started > 4
    assert broker.is_empty("retry.5s")


def test_an_event_that_kills_its_worker_is_parked_and_its_neighbours_live(
    broker, crooked
):
    (deadly,), good = paid(DEADLY), paid(count=30)
    broker.say(QUEUE, *good[:15], deadly, *good[15:])

    dead = broker.take("dead.letter.queue", within=60)
    assert deadly.id in dead.body
    assert "worker died" in dead.headers["x-reason"]
    assert eventually(lambda: handled(good))


def test_a_step_that_kills_its_worker_is_parked_and_its_neighbours_go_on(broker):
    good = [new_id() for _ in range(60)]
    refund = signature("payments.tasks.refund", args=([*good[:9], KILLER, *good[9:]],))
    with transaction.atomic():
        outbox.send_task(chain(refund, signature("payments.tasks.accept")))
    relay.carry(broker.publisher)

    with worker("payment.prepaid.queue", app="tests.broker.crooked"):
        dead = broker.take("dead.letter.queue", within=60)
        past = broker.take("payment.cod.queue", within=60)
    assert json.loads(dead.body)[0] == [[KILLER]]
    assert "worker died 4 times" in dead.headers["x-reason"]
    assert sorted(json.loads(past.body)[0][0]) == sorted(good)
    assert not Attempt.objects.exclude(count__gte=3).exists()


def refund_then_accept(ids):
    refund = signature("payments.tasks.refund", args=(ids,))
    with transaction.atomic():
        outbox.send_task(chain(refund, signature("payments.tasks.accept")))


@pytest.mark.parametrize("unsent", [SILENT, CLOSED], ids=["silent", "closed"])
def test_a_step_whose_next_cannot_be_sent_is_kept_until_it_can(broker, unsent):
    refund_then_accept([unsent])
    relay.carry(broker.publisher)

    with worker("payment.prepaid.queue", app="tests.broker.crooked"):
        past = broker.take("payment.cod.queue", within=60)
    assert json.loads(past.body)[0] == [[unsent]]
    assert broker.is_empty("dead.letter.queue")
    assert not Attempt.objects.exists()


def test_a_step_whose_next_cannot_be_made_is_parked(broker):
    refund_then_accept([HOPELESS])
    relay.carry(broker.publisher)

    with worker("payment.prepaid.queue", app="tests.broker.crooked"):
        dead = broker.take("dead.letter.queue", within=60)
    assert json.loads(dead.body)[0] == [[HOPELESS]]


def test_what_somebody_terminates_in_flower_comes_again(broker, crooked):
    listening = broker.listen("celeryev", "task.#")
    events = [*paid(STUCK), *paid(count=20)]
    broker.say(QUEUE, *events)
    states = json.loads(broker.take(listening).body)

    current_app.control.revoke(states[0]["uuid"], terminate=True, signal="SIGKILL")
    assert eventually(lambda: handled(events), within=7)
    assert broker.is_empty("dead.letter.queue")


def test_a_retry_that_no_queue_takes_stays_in_hand_until_there_is_one(broker, crooked):
    broker.channel.queue_delete("retry.5s")
    (early,) = paid(TOO_EARLY)
    broker.say(QUEUE, early)
    eventually(lambda: "No queue takes what was sent to retry.5s" in crooked.log())

    declare(broker.connection)
    assert eventually(lambda: handled([early]))


def test_its_neighbours_wait_for_its_deaths_and_no_longer(broker, crooked):
    """Celery by itself may take 5 s to see that a process died: five times 5 s."""
    (deadly,), good = paid(DEADLY), paid(count=300)
    said = {}
    for number, event in enumerate(good):
        broker.say(QUEUE, event, *([deadly] if number == 10 else ()))
        said[event.id] = utc_now()
        time.sleep(0.02)  # the pace of a shop, so that they come before and after

    assert deadly.id in broker.take("dead.letter.queue", within=60).body
    assert eventually(lambda: handled(good))
    times = dict(Inbox.objects.values_list("event_id", "handled"))
    waits = [(times[UUID(one)] - said[one]).total_seconds() for one in said]
    assert quantiles(waits, n=20)[-1] < 8


def test_every_dead_letter_comes_to_the_desk_and_stays_parked(broker, crooked):
    (bad,) = paid(POISONED)
    with worker("dead.desk.queue"):
        broker.say(QUEUE, bad)
        letter = eventually(DeadLetter.objects.first)

    assert (letter.queue, letter.type) == (QUEUE.name, "order.paid")
    assert str(letter.order_id) == bad.order_id
    assert str(letter.event_id) == bad.id
    assert letter.reason == "It says no such thing."
    assert "Poison" in letter.traceback
    assert not broker.is_empty("dead.letter.queue")


def test_duplicates_in_any_order_are_handled_once(broker, crooked):
    events = paid(count=50)
    broker.say(QUEUE, *events, *reversed(events))
    eventually(lambda: tally() == 50 and broker.is_empty(QUEUE.name))

    assert Inbox.objects.count() == 50


def test_no_delayed_delivery_queue_of_celery_is_ever_declared(broker, crooked):
    names = [queue["name"] for queue in inspection.get("queues")]
    assert not [name for name in names if name.startswith("celery_delayed")]
