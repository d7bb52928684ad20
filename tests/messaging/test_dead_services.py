"""What a press of replay or discard starts, and what it leaves alone."""

import json
import threading

import pytest
from django.db import connections, transaction

from orders_project.database import sql
from orders_project.messaging import deaths, inbox, tasks
from orders_project.messaging.desk import recording, services
from orders_project.messaging.events import OrderCompleted, new_id
from orders_project.messaging.models import Attempt, DeadLetterAction, Parcel
from tests.messaging.desk import BY, EVERY, QUEUE, dead, letter_of, paid, step_letter

pytestmark = pytest.mark.django_db


def test_a_second_press_starts_nothing(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)

    assert services.replay(EVERY(), **BY) == services.Replay(passed_over=1)
    assert Parcel.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_give_one_run(handler):
    letter_of(paid())
    together, results = threading.Barrier(2), []

    def press():
        together.wait()
        with transaction.atomic():
            results.append(services.replay(EVERY(), **BY))
        connections.close_all()

    people = [threading.Thread(target=press) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()

    assert sorted(result.started for result in results) == [0, 1]
    assert Parcel.objects.count() == 1


def test_what_was_handled_meanwhile_is_not_sent(handler):
    event = paid()
    letter = letter_of(event)
    inbox.take_new(QUEUE.name, [event])

    assert services.replay(EVERY(), **BY) == services.Replay(applied=1)
    letter.refresh_from_db()
    assert letter.status == "applied"
    assert not Parcel.objects.exists()


def test_counted_deaths_of_its_workers_do_not_stand_in_the_way(handler):
    event = paid()
    letter_of(event)
    for _ in range(4):
        deaths.count(QUEUE.name, [event.id])
    services.replay(EVERY(), **BY)

    assert not Attempt.objects.exists()


def test_nor_do_those_of_a_step(handler):
    order_id = new_id()
    step_letter("shipping.tasks.prepare", order_id, "shipping.tasks")
    deaths.count(
        "shipping.tasks", [deaths.key_of(f"shipping.tasks.prepare {order_id}")]
    )
    services.replay(EVERY(), **BY)

    assert not Attempt.objects.exists()


def test_a_strangers_id_of_any_kind_makes_a_parcel_that_can_be_sent(handler):
    body = f'[[["{new_id()}"]], {{}}, {{"chain": null}}]'
    for number in (7, {"an": "object"}, "x" * 300):
        headers = {"task": "shipping.tasks.prepare", "id": number, "lang": "py"}
        recording.record(dead(body, queue="shipping.tasks", **headers))
        services.replay(EVERY(), **BY)

        properties = json.loads(Parcel.objects.latest("id").properties)
        assert len(properties["correlation_id"]) <= 60


def test_what_nobody_handles_and_what_is_no_event_is_refused(handler):
    letter_of(OrderCompleted(order_id=new_id()), queue="sms.queue.of.old")
    recording.record(dead("not JSON"))

    assert services.replay(EVERY(), **BY) == services.Replay(refused=2)
    assert not Parcel.objects.exists()
    assert not DeadLetterAction.objects.exists()


def test_a_replay_that_was_lost_can_be_started_again(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)
    sql.run("UPDATE messaging_deadletter SET since = now() - interval '61 minutes'")

    assert services.replay(EVERY(), **BY).started == 1


def test_ten_thousand_letters_take_as_many_statements_as_one(
    handler, django_assert_num_queries
):
    for _ in range(30):
        letter_of(paid())

    with django_assert_num_queries(11):
        assert services.replay(EVERY(), **BY).started == 30
    with django_assert_num_queries(10):
        letter_of(paid())  # 4
        services.discard(EVERY(), **BY)  # 5


def test_a_discarded_letter_is_settled_with_its_reason_and_may_come_back(handler):
    letter = letter_of(paid())

    assert services.discard(EVERY(), **BY) == 1
    assert services.discard(EVERY(), **BY) == 0
    letter.refresh_from_db()
    assert letter.status == "discarded"
    assert letter.actions.get().why == "fixed in 1.4"
    assert services.replay(EVERY(), **BY).started == 1


def test_a_letter_on_its_way_is_not_discarded(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)

    assert services.discard(EVERY(), **BY) == 0


def test_only_settled_letters_out_of_the_queue_are_pruned(settings):
    settings.RETENTION_DAYS = 7
    old, lying, still_open = (letter_of(paid()) for _ in range(3))
    services.discard(EVERY().filter(pk__in=[old.pk, lying.pk]), **BY)
    EVERY().exclude(pk=lying.pk).update(copies=0)
    sql.run("UPDATE messaging_deadletter SET since = now() - interval '8 days'")
    tasks.prune()

    assert {letter.pk for letter in EVERY()} == {lying.pk, still_open.pk}
    assert DeadLetterAction.objects.get().letter_id == lying.pk
