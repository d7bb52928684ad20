"""The dead-letter desk with a live broker, relay and workers."""

from contextlib import closing
from datetime import timedelta

import pytest
from celery import signature
from django.db import connection, transaction

from orders_project.database import sql
from orders_project.messaging import envelope, outbox
from orders_project.messaging.desk import services, tidying
from orders_project.messaging.events import OrderPaid, new_id, utc_now
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.models import DeadLetter, DeadLetterAction, Inbox
from tests.awaiting import eventually
from tests.broker.behaviours import FINE, POISONED, QUEUE
from tests.processes import depth, relay, worker

BY = {"who": "ada", "why": "a test"}
PARKED, DESK = "dead.letter.queue", "dead.desk.queue"
LETTER = new_id()


@pytest.fixture(scope="module")
def crooked(django_db_setup, topology):
    with worker(QUEUE.name, DESK, app="tests.broker.crooked") as running:
        yield running


@pytest.fixture
def parked(broker, crooked, monkeypatch):
    """Have so many poisoned events die, and return their letters."""
    # The handler is registered in the worker only; here it is enough to know of it.
    monkeypatch.setitem(HEARS, (QUEUE.name, OrderPaid.type), None)

    def parked(count=1):
        events = [
            OrderPaid(order_id=new_id(), total_cents=POISONED, currency="USD")
            for _ in range(count)
        ]
        broker.say(QUEUE, *events)
        eventually(lambda: DeadLetter.objects.count() == count)
        return list(DeadLetter.objects.order_by("id"))

    return parked


def settled(status, count=1):
    return eventually(lambda: DeadLetter.objects.filter(status=status).count() == count)


def whats():
    return [action.what for action in DeadLetterAction.objects.order_by("id")]


def agree():
    return depth(PARKED) == tidying.known_copies()


def test_a_letter_dies_again_is_mended_and_is_done(parked):
    (letter,) = parked()
    with relay():
        services.replay(DeadLetter.objects.all(), **BY)
        eventually(lambda: DeadLetter.objects.filter(deaths=2, status="open"))
        data = f'{{"total_cents": {FINE}, "currency": "USD"}}'
        services.edit(letter.pk, data, seen=services.version(letter), **BY)
        services.replay(DeadLetter.objects.all(), **BY)
        settled("done")

    assert whats() == ["replayed", "died", "edited", "replayed", "done"]
    assert Inbox.objects.filter(queue=QUEUE.name, event_id=letter.event_id).exists()
    assert agree()
    assert depth(PARKED) == 2


def test_who_tidies_while_another_does_is_told_so(broker):
    with closing(connection.copy()) as another:
        another.cursor().execute(sql.LOCK, [tidying.__name__])
        with pytest.raises(tidying.AlreadyTidyingError, match="Somebody else"):
            tidying.tidy()


def test_settled_letters_leave_the_queue_and_open_ones_stay_in_their_order(
    parked, broker
):
    letters = parked(5)
    services.discard(DeadLetter.objects.filter(pk=letters[1].pk), **BY)
    assert tidying.is_untidy()
    assert agree()

    assert tidying.tidy() == tidying.Tidied(taken=1, recorded=0, left=4)
    assert eventually(lambda: depth(PARKED) == 4)
    assert agree()
    assert not tidying.is_untidy()
    left = [envelope.decode(broker.take(PARKED).body.encode()) for _ in range(4)]
    expected = [str(one.event_id) for one in (letters[0], *letters[2:])]
    assert [event.id for event in left] == expected


def test_letters_that_the_database_forgot_come_back_from_the_queue(parked):
    before = {letter.event_id for letter in parked(3)}
    Inbox.objects.all().delete()
    DeadLetter.objects.all().delete()
    assert tidying.is_untidy()

    assert tidying.tidy().recorded == 3
    assert {letter.event_id for letter in DeadLetter.objects.all()} == before
    assert eventually(agree)
    assert tidying.tidy().recorded == 0


@pytest.fixture
def long_ago():
    """Have every letter die some time ago: what dies now is not counted yet."""

    def age():
        then = utc_now() - timedelta(minutes=2)
        DeadLetter.objects.update(parked=then, since=then)

    return age


def test_a_death_that_was_parked_twice_is_counted_right(broker, crooked, long_ago):
    for _ in range(2):
        broker.send("dead.exchange", "x", "not JSON", headers={"x-letter": LETTER})
    eventually(lambda: DeadLetter.objects.count() == 1 and not depth(DESK))
    long_ago()
    assert tidying.is_untidy()

    assert tidying.tidy().left == 2
    assert tidying.known_copies() == 2
    assert eventually(lambda: not tidying.is_untidy())
    services.discard(DeadLetter.objects.all(), **BY)
    assert tidying.tidy().taken == 2


def test_what_somebody_purged_is_counted_right_again(parked, broker, long_ago):
    parked(2)
    long_ago()
    broker.channel.queue_purge(PARKED)
    assert tidying.is_untidy()

    tidying.tidy()
    assert tidying.known_copies() == 0
    assert DeadLetter.objects.filter(status="open").count() == 2


def test_garbage_of_every_kind_is_tidied_too(broker, crooked):
    for body in (b"\xff\xfe", "[]", "not JSON", "[[1]]"):
        broker.send("dead.exchange", "nobody", body, headers={"x-reason": 7})

    eventually(lambda: DeadLetter.objects.count() == 4)
    assert tidying.tidy() == tidying.Tidied(taken=0, recorded=0, left=4)
    services.discard(DeadLetter.objects.all(), **BY)
    assert tidying.tidy().taken == 4
    assert depth(PARKED) == 0


def test_a_step_is_replayed_by_a_worker_and_says_that_it_is_done(broker):
    step = signature("payments.tasks.capture", args=([new_id()],))
    with transaction.atomic():
        outbox.send_task(step)
    with relay():
        sent = broker.take("payment.prepaid.queue")
    death = {"x-queue": "payment.prepaid.queue", "x-letter": new_id()}
    broker.send("dead.exchange", "x", sent.body, headers=dict(sent.headers) | death)
    tidying.tidy()
    assert DeadLetter.objects.get().kind == "step"
    assert services.replay(DeadLetter.objects.all(), **BY).started == 1

    with relay(), worker("payment.prepaid.queue"):
        settled("done")
    assert whats() == ["replayed", "done"]


def test_tidying_counts_nothing_twice_that_the_desk_has(broker, crooked):
    broker.send("dead.exchange", "x", "not JSON", headers={"x-letter": new_id()})
    eventually(lambda: DeadLetter.objects.count() == 1)

    assert tidying.tidy() == tidying.Tidied(taken=0, recorded=0, left=1)
    assert DeadLetter.objects.get().deaths == 1
