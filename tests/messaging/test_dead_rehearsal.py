"""A dry run tells what a replay would do, and does none of it."""

import pytest
from django.db import connection

from orders_project.database import sql
from orders_project.messaging import deaths, inbox, outbox
from orders_project.messaging.desk import rehearsal
from orders_project.messaging.errors import Poison, RetryLater
from orders_project.messaging.events import OrderCompleted, OrderShipped, new_id
from orders_project.messaging.models import (
    Attempt,
    DeadLetterAction,
    Inbox,
    LoggedEvent,
    Parcel,
)
from tests.messaging.desk import QUEUE, letter_of, listen, paid, step_letter

pytestmark = pytest.mark.django_db


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
        deaths.count(QUEUE.name, [str(deadly.event_id)])
    with pytest.raises(rehearsal.NotRehearsedError, match="killed the workers"):
        rehearsal.rehearse(deadly)
