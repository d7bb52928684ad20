"""What people do with dead letters, and what comes back of it."""

import json
import threading

import pytest
from celery import current_app
from celery._state import _task_stack
from django.db import connection, connections, transaction

from orders_project.messaging import envelope, inbox, outbox, sql, tasks
from orders_project.messaging.desk import recording, rehearsal, selectors, services
from orders_project.messaging.errors import Poison, RetryLater
from orders_project.messaging.events import OrderCompleted, OrderShipped, new_id
from orders_project.messaging.hearing import run_batch
from orders_project.messaging.models import (
    Attempt,
    DeadLetter,
    DeadLetterAction,
    Inbox,
    LoggedEvent,
    Parcel,
)
from orders_project.messaging.retry import Wire
from payments import services as payments
from tests.messaging.desk import (
    QUEUE,
    Handler,
    dead,
    letter_of,
    listen,
    paid,
    step_letter,
)

pytestmark = pytest.mark.django_db
BY = {"who": "ada", "why": "fixed in 1.4"}
EVERY = DeadLetter.objects.all


@pytest.fixture
def handler(monkeypatch):
    handler = Handler()
    listen(monkeypatch, handler)
    return handler


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


def return_the_dead(rungs):
    """Do what dead.desk.queue and its worker do with what was parked."""
    for wire, exchange, headers in rungs:
        assert exchange.name == "dead.exchange"
        assert recording.record(wire._replace(headers=headers))
    rungs.clear()


def whats(letter):
    return [action.what for action in letter.actions.all()]


# ---- replay
def test_a_replay_runs_once_and_says_so(handler):
    event = paid()
    letter = letter_of(event)

    result = services.replay(EVERY(), **BY)
    assert result == services.Replay(started=1)
    letter.refresh_from_db()
    assert letter.status == "replaying"
    (parcel,) = deliver()

    letter.refresh_from_db()
    assert handler.handled == [event]
    assert (parcel.exchange, parcel.routing_key) == ("", QUEUE.name)
    assert letter.status == "done"
    assert [(a.what, a.who, a.why) for a in letter.actions.all()] == [
        ("replayed", "ada", "fixed in 1.4"),
        ("done", "worker", ""),
    ]


def test_a_second_press_starts_nothing(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)

    assert services.replay(EVERY(), **BY) == services.Replay(passed_over=1)
    assert Parcel.objects.count() == 1


def test_a_replay_that_dies_comes_back_to_its_letter(handler, rungs):
    letter = letter_of(paid())
    services.replay(EVERY(), **BY)
    handler.error = Poison("Still wrong.")
    deliver()
    return_the_dead(rungs)

    letter.refresh_from_db()
    assert DeadLetter.objects.count() == 1
    assert (letter.status, letter.reason, letter.deaths) == ("open", "Still wrong.", 2)
    assert whats(letter) == ["replayed", "died"]


def test_a_replay_that_must_wait_tells_of_it_and_is_still_known_when_it_works(
    handler, rungs
):
    letter = letter_of(paid())
    services.replay(EVERY(), **BY)
    handler.error = RetryLater("Not yet.")
    deliver()
    ((wire, _, headers),) = rungs
    handler.error = None
    run_batch([tuple(wire._replace(headers=headers))])

    letter.refresh_from_db()
    assert letter.status == "done"
    assert whats(letter) == ["replayed", "retried", "done"]
    assert "Not yet." in letter.actions.get(what="retried").why


def test_a_replay_that_fails_twice_is_back_within_seconds(handler, rungs):
    letter = letter_of(paid())
    services.replay(EVERY(), **BY)
    handler.error = ValueError("still a bug")
    deliver()
    ((wire, rung, headers),) = rungs
    rungs.clear()
    run_batch([tuple(wire._replace(headers=headers))])
    return_the_dead(rungs)

    letter.refresh_from_db()
    assert rung.name == "retry.5s"
    assert (letter.status, letter.deaths) == ("open", 2)
    assert whats(letter) == ["replayed", "retried", "died"]


def test_what_was_handled_meanwhile_is_not_sent(handler):
    event = paid()
    letter = letter_of(event)
    inbox.take_new(QUEUE.name, [event])

    assert services.replay(EVERY(), **BY) == services.Replay(applied=1)
    letter.refresh_from_db()
    assert letter.status == "applied"
    assert not Parcel.objects.exists()


def test_what_is_handled_while_its_replay_is_on_its_way_runs_once(handler):
    event = paid()
    letter = letter_of(event)
    services.replay(EVERY(), **BY)
    inbox.take_new(QUEUE.name, [event])
    deliver()

    letter.refresh_from_db()
    assert handler.handled == []
    assert letter.status == "applied"


def test_counted_deaths_of_its_workers_do_not_stand_in_the_way(handler):
    event = paid()
    letter_of(event)
    for _ in range(4):
        inbox.count_attempt(QUEUE.name, [event.id])
    services.replay(EVERY(), **BY)

    assert not Attempt.objects.exists()


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


def test_a_header_that_somebody_made_up_settles_nothing_else(handler):
    letter = letter_of(paid(), queue="order.queue")
    for forged in (letter.pk, "1; DROP TABLE", None, 10**18):
        body = envelope.encode(paid()).encode()
        run_batch([tuple(Wire(QUEUE.name, body, {"x-replay": forged}, 1, False))])

    letter.refresh_from_db()
    assert letter.status == "open"
    assert len(handler.handled) == 4


def test_ten_thousand_letters_take_as_many_statements_as_one(
    handler, django_assert_num_queries
):
    for _ in range(30):
        letter_of(paid())

    with django_assert_num_queries(10):
        assert services.replay(EVERY(), **BY).started == 30
    with django_assert_num_queries(10):
        letter_of(paid())  # 4
        services.discard(EVERY(), **BY)  # 5


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


# ---- steps of chains
def run_step(parcel, **more):
    """Run a step as a worker does, with the headers that came with it."""
    headers = json.loads(parcel.headers) | more
    args, kwargs, _embed = json.loads(parcel.body)
    task = current_app.tasks[headers["task"]]
    task.push_request(args=args, kwargs=kwargs, **headers)
    _task_stack.push(task)
    try:
        return task.run(*args, **kwargs)
    finally:
        _task_stack.pop()
        task.pop_request()


def test_a_step_is_replayed_on_its_own_queue():
    letter = step_letter("payments.tasks.settle", new_id(), "payment.prepaid.queue")

    assert services.replay(EVERY(), **BY).started == 1
    parcel = Parcel.objects.get()
    assert parcel.routing_key == "payment.prepaid.queue"
    run_step(parcel)
    letter.refresh_from_db()
    assert letter.status == "done"


def test_a_step_that_waits_on_the_first_rung_is_not_done_and_climbs_no_other(
    rungs, monkeypatch
):
    letter = step_letter("payments.tasks.settle", new_id(), "payment.prepaid.queue")
    services.replay(EVERY(), **BY)
    monkeypatch.setattr(payments, "settle", Handler.failing(ValueError("a bug")))
    parcel = Parcel.objects.get()
    run_step(parcel)

    letter.refresh_from_db()
    assert letter.status == "replaying"
    assert whats(letter) == ["replayed", "retried"]
    ((_, exchange, headers),) = rungs
    assert exchange == "retry.5s"
    assert headers["x-replay"] == letter.pk

    rungs.clear()
    run_step(parcel, **{"x-attempt": 1})
    ((_, exchange, headers),) = rungs
    assert exchange == "dead.exchange"
    assert headers["x-replay"] == letter.pk


# ---- discard
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


# ---- edit
def edit(letter, data, **how):
    how = {"seen": services.version(letter)} | BY | how
    return services.edit(letter.pk, data, **how)


def test_the_data_can_be_mended_and_the_change_is_kept(handler):
    event = paid()
    letter = letter_of(event)
    original = bytes(letter.body)
    change = edit(letter, '{"total_cents": 5, "currency": "USD"}')

    assert '-    "total_cents": 1999' in change
    assert '+    "total_cents": 5' in change
    letter.refresh_from_db()
    assert bytes(letter.original) == original
    assert letter.actions.get().change == change == services.change(letter)
    services.replay(EVERY(), **BY)
    deliver()
    (heard,) = handler.handled
    assert heard.total_cents == 5
    assert (heard.id, heard.order_id, heard.time) == (
        event.id,
        event.order_id,
        event.time,
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"total_cents": "5", "currency": "USD"}', "total_cents"),
        ('{"total_cents": 5}', "currency"),
        (
            '{"total_cents": 5, "currency": "USD", "totl": 1}',
            "order.paid has no field 'totl'; it has currency, total_cents",
        ),
        ('{"total_cents": 5, "currency": "USD", "order_id": "x"}', "'order_id'"),
        ("[]", "must be one JSON object"),
        ("{", "must be one JSON object"),
        ("\ud800", "must be one JSON object"),
    ],
)
def test_what_the_event_does_not_take_is_refused_with_the_fields_name(data, said):
    letter = letter_of(paid())

    with pytest.raises(services.EditError, match=said):
        edit(letter, data)
    letter.refresh_from_db()
    assert letter.original is None


def test_two_people_do_not_overwrite_one_another():
    letter = letter_of(paid())
    edit(letter, '{"total_cents": 5, "currency": "USD"}')

    with pytest.raises(services.EditError, match="Somebody else"):
        edit(letter, '{"total_cents": 6, "currency": "USD"}')


def test_what_died_again_keeps_what_was_mended():
    event = paid()
    letter = letter_of(event)
    edit(letter, '{"total_cents": 5, "currency": "USD"}')
    letter = letter_of(event)

    assert b'"total_cents":5' in bytes(letter.body)


def test_steps_and_rubbish_are_not_edited():
    recording.record(dead("not JSON"))
    step = step_letter("payments.tasks.settle", new_id(), "payment.prepaid.queue")
    for letter, said in ((EVERY().get(kind="raw"), "nudge ORDER"), (step, "locked")):
        with pytest.raises(services.EditError, match=said):
            edit(letter, "{}")


# ---- dry run
def counts():
    tables = (LoggedEvent, Parcel, Inbox, Attempt, DeadLetterAction)
    return [table.objects.count() for table in tables]


def test_a_dry_run_tells_what_would_happen_and_does_none_of_it(monkeypatch):
    def ship(events):
        sql.run("DELETE FROM messaging_work")
        sql.run(
            "INSERT INTO messaging_work (queue, outcome, events) VALUES ('q', 'x', 1)"
        )
        outbox.append(*(one.then(OrderShipped, tracking="T1") for one in events))

    listen(monkeypatch, ship)
    letter = letter_of(paid())
    before = counts()
    found = rehearsal.rehearse(letter)

    assert found.works
    assert found.verdict == "It would be handled."
    assert [one.partition(" ")[0] for one in found.says] == ["order.shipped", "parcel"]
    assert found.writes == ["insert into messaging_work: 1 rows"]
    assert counts() == before
    assert connection.run_on_commit == []


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (
            Poison("No such order."),
            "It would die again at once: Poison: No such order.",
        ),
        (RetryLater("Not yet."), "It would have to wait"),
        (ValueError("a bug"), "It would fail, and die when it keeps failing"),
    ],
)
def test_a_dry_run_tells_how_it_would_fail(handler, error, verdict):
    handler.error = error
    found = rehearsal.rehearse(letter_of(paid()))

    assert found.verdict.startswith(verdict)
    assert type(error).__name__ in found.trace


def test_a_dry_run_of_what_was_handled_meanwhile_says_so(handler):
    event = paid()
    letter = letter_of(event)
    inbox.take_new(QUEUE.name, [event])

    assert "handled this event meanwhile" in rehearsal.rehearse(letter).verdict
    assert handler.handled == []


def test_what_acts_outside_kills_or_is_unheard_is_not_rehearsed(handler):
    step = step_letter("payments.tasks.authorise", new_id(), "payment.prepaid.queue")
    with pytest.raises(rehearsal.NotRehearsedError, match="payment gateway"):
        rehearsal.rehearse(step)
    with pytest.raises(rehearsal.NotRehearsedError, match="Nobody handles"):
        rehearsal.rehearse(letter_of(OrderCompleted(order_id=new_id()), queue="x"))
    deadly = letter_of(paid())
    for _ in range(4):
        inbox.count_attempt(QUEUE.name, [str(deadly.event_id)])
    with pytest.raises(rehearsal.NotRehearsedError, match="killed the workers"):
        rehearsal.rehearse(deadly)


def test_the_list_says_what_happened_since(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)
    event = paid()
    letter_of(event)
    inbox.take_new(QUEUE.name, [event])

    newest, oldest = selectors.with_history(EVERY())
    assert selectors.since(oldest) == "Replayed by ada: fixed in 1.4"
    assert selectors.since(newest) == "its queue has handled it meanwhile"
