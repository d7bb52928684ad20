"""From a dead message to its row on the desk."""

import pickle

import pytest

from orders_project.messaging import envelope, tasks
from orders_project.messaging.desk import recording, selectors
from orders_project.messaging.events import new_id
from orders_project.messaging.models import DeadLetter, DeadLetterAction, Work
from orders_project.messaging.wire import Wire
from tests.messaging.desk import QUEUE, dead, letter_of, paid, raised, step_letter

pytestmark = pytest.mark.django_db


def test_a_letter_tells_all_that_is_known():
    event = paid()
    letter = letter_of(event)

    assert (letter.kind, letter.queue, letter.type) == (
        "event",
        QUEUE.name,
        "order.paid",
    )
    assert (str(letter.event_id), str(letter.order_id)) == (event.id, event.order_id)
    assert (letter.reason, letter.exception) == ("It broke.", "ValueError: a bug")
    assert letter.error == "ValueError"
    assert letter.place.startswith("tests/messaging/desk.py:")
    assert "Traceback" in letter.traceback
    assert letter.first_failure <= letter.last_failure
    assert (letter.deaths, letter.copies, letter.status) == (1, 1, "open")


@pytest.mark.parametrize(
    "header",
    [
        {"x-first-failure": "2026-01-01T00:00:00+20:00"},
        {"x-first-failure": "0001-01-01T00:00:00+10:00"},
        {"x-first-failure": "9999-12-31T23:59:59-15:00"},
        {"x-attempts": True},
    ],
)
def test_what_a_stranger_wrote_into_a_header_keeps_no_letter_from_the_desk(header):
    assert letter_of(paid(), **header).attempts == 1


def test_what_cannot_be_recorded_is_said_and_hides_no_other(monkeypatch, caplog):
    good, bad = dead(envelope.encode(paid())), dead(envelope.encode(paid()))
    real = recording.clean
    cannot = bad.headers["x-letter"]

    def clean(value):
        kept = real(value)
        is_bad = isinstance(value, dict) and value.get("x-letter") == cannot
        return kept | {"x-reason": "\x00"} if is_bad else kept

    monkeypatch.setattr(recording, "clean", clean)
    tasks.record_dead_letter([tuple(bad), tuple(good)])

    assert DeadLetter.objects.count() == 1
    assert "cannot be shown on the desk" in caplog.text


def test_a_redelivered_message_makes_no_second_letter():
    wire = dead(envelope.encode(paid()))

    tasks.record_dead_letter([tuple(wire)])
    tasks.record_dead_letter([tuple(wire)])

    letter = DeadLetter.objects.get()
    assert (letter.deaths, letter.copies) == (1, 1)
    assert not letter.actions.exists()
    assert Work.objects.get().events == 1


def test_what_dies_again_comes_back_to_its_own_letter():
    event = paid()
    first = letter_of(event)
    DeadLetter.objects.update(status="discarded")
    again = letter_of(event, error=raised(KeyError("another bug")))

    assert again.pk == first.pk
    assert (again.status, again.deaths, again.copies) == ("open", 2, 2)
    assert again.error == "KeyError"
    assert again.first_failure == first.first_failure
    assert DeadLetterAction.objects.get().what == "died"


def test_the_same_event_in_two_queues_makes_two_letters():
    event = paid()
    body = envelope.encode(event)
    recording.record(dead(body))
    recording.record(dead(body, queue="order.queue"))

    assert DeadLetter.objects.count() == 2


def test_an_array_that_the_broker_parked_makes_a_letter_of_each_event():
    events = [paid(), paid()]
    body = envelope.batch([envelope.encode(event) for event in events]).encode()
    death = [{"queue": QUEUE.name, "reason": "rejected", "time": 1}]
    wire = Wire("dead.desk.queue", body, {"x-death": death}, 1, redelivered=False)

    assert recording.record(wire)
    assert not recording.record(wire)
    letters = DeadLetter.objects.order_by("id")
    assert {str(one.event_id) for one in letters} == {event.id for event in events}
    assert sum(one.copies for one in letters) == 1
    assert letters[0].reason == "The broker parked it: rejected"


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON at all",
        pickle.dumps(print),
        b"",
        b"[]",
        b'{"type": "order.paid"}',
        b'{"type": "order.paid", "id": "7", "subject": "x"}',
        b'{"type": "a\\u0000b", "note": "\xff\xfe"}',
        b'{"id": 5, "subject": {}}',
        b"\x00" * 1000,
    ],
)
def test_whatever_it_is_a_row_comes_of_it(body):
    headers = {"x-attempts": "many", "x-first-failure": "long ago", 7: b"\xff\x00"}
    recording.record(dead(body, **{"x-reason": "a\x00b\ud800"}, CC=["a"]))
    recording.record(Wire("dead.desk.queue", body, headers, 1, redelivered=False))

    assert {one.kind for one in DeadLetter.objects.all()} == {"raw"}
    assert {one.queue for one in DeadLetter.objects.all()} == {QUEUE.name, ""}
    assert all(
        selectors.pretty(one.body) is not None for one in DeadLetter.objects.all()
    )


def test_an_event_with_bytes_that_are_no_text_is_no_event():
    event = envelope.encode(paid()).encode().replace(b'"USD"', b'"\xff\xff\xff"')
    recording.record(dead(event))

    assert DeadLetter.objects.get().kind == "raw"


def test_a_step_of_a_chain_is_a_letter_about_its_order():
    order = new_id()
    letter = step_letter("shipping.tasks.prepare", order, "shipping.tasks")

    assert (letter.kind, letter.type) == ("step", "shipping.tasks.prepare")
    assert letter.headers["task"] == "shipping.tasks.prepare"
    assert not [name for name in letter.headers if name.startswith("x-")]
    assert step_letter("shipping.tasks.prepare", order, "shipping.tasks").deaths == 2


def test_a_step_with_many_orders_is_a_letter_too():
    ids = ", ".join(f'"{new_id()}"' for _ in range(100))
    headers = {"task": "shipping.tasks.prepare", "id": new_id()}
    recording.record(dead(f"[[[{ids}]], {{}}, {{}}]", **headers))

    letter = DeadLetter.objects.get()
    assert (letter.kind, letter.order_id) == ("step", None)


TRACE = """Traceback (most recent call last):
  File "{base}/orders_project/messaging/hearing.py", line 190, in _handle
    _in_one_transaction(listener, chunk)
  File "{base}/inventory/services.py", line 44, in reserve_stock
    sql.run(RESERVE, [rows])
  File "{base}/orders_project/database/sql.py", line 31, in run
    cursor.execute(query, params)
  File "{base}/.venv/lib/python3.11/site-packages/django/db/utils.py", line 105, in x
    return self.cursor.execute(sql, params)
  File "/usr/lib/python3.11/json.py", line 3, in y
"""


def test_the_place_is_the_innermost_line_of_an_app(settings):
    trace = TRACE.format(base=settings.BASE_DIR)

    assert recording.place_of(trace) == "inventory/services.py:44 reserve_stock"


def test_without_an_apps_line_the_place_is_one_of_the_core(settings):
    lines = TRACE.format(base=settings.BASE_DIR).splitlines()
    trace = "\n".join(line for line in lines if "inventory" not in line)

    assert recording.place_of(trace) == "orders_project/database/sql.py:31 run"
    assert recording.place_of("") == ""


def test_letters_of_one_cause_are_a_group():
    for _ in range(3):
        letter_of(paid())
    letter_of(paid(), error=raised(KeyError("x")))

    first, second = selectors.groups()
    assert (first.letters, first.error) == (3, "ValueError")
    assert (second.letters, second.error) == (1, "KeyError")
