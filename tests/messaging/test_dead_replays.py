"""What comes back of a replay: done, applied, retried or died."""

import json

import pytest
from celery import current_app
from celery._state import _task_stack

from orders_project.messaging import envelope, inbox
from orders_project.messaging.desk import recording, services
from orders_project.messaging.errors import Poison, RetryLater
from orders_project.messaging.events import new_id
from orders_project.messaging.hearing import run_batch
from orders_project.messaging.models import DeadLetter, Parcel
from orders_project.messaging.wire import Wire
from payments import charges
from tests.messaging.desk import (
    BY,
    EVERY,
    QUEUE,
    Handler,
    deliver,
    letter_of,
    paid,
    step_letter,
    whats,
)

pytestmark = pytest.mark.django_db


def return_the_dead(rungs):
    """Do what dead.desk.queue and its worker do with what was parked."""
    for wire, exchange, headers in rungs:
        assert exchange.name == "dead.exchange"
        assert recording.record(wire._replace(headers=headers))
    rungs.clear()


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


def test_what_is_handled_while_its_replay_is_on_its_way_runs_once(handler):
    event = paid()
    letter = letter_of(event)
    services.replay(EVERY(), **BY)
    inbox.take_new(QUEUE.name, [event])
    deliver()

    letter.refresh_from_db()
    assert handler.handled == []
    assert letter.status == "applied"


def test_a_header_that_somebody_made_up_settles_nothing_else(handler):
    letter = letter_of(paid(), queue="order.queue")
    for forged in (letter.pk, "1; DROP TABLE", None, 10**18):
        body = envelope.encode(paid()).encode()
        run_batch([tuple(Wire(QUEUE.name, body, {"x-replay": forged}, 1, False))])

    letter.refresh_from_db()
    assert letter.status == "open"
    assert len(handler.handled) == 4


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
    letter = step_letter("payments.tasks.capture", new_id(), "payment.prepaid.queue")

    assert services.replay(EVERY(), **BY).started == 1
    parcel = Parcel.objects.get()
    assert parcel.routing_key == "payment.prepaid.queue"
    run_step(parcel)
    letter.refresh_from_db()
    assert letter.status == "done"


def test_a_step_that_waits_on_the_first_rung_is_not_done_and_climbs_no_other(
    rungs, monkeypatch
):
    letter = step_letter("payments.tasks.capture", new_id(), "payment.prepaid.queue")
    services.replay(EVERY(), **BY)
    monkeypatch.setattr(charges, "capture", Handler.failing(ValueError("a bug")))
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
