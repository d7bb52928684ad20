"""What becomes of a batch in which something fails."""

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery.exceptions import Reject
from django.db import InterfaceError, OperationalError, connection

from orders_project.database import sql
from orders_project.messaging import deaths, envelope, hearing, inbox, settling
from orders_project.messaging.errors import Outage, Poison, RetryLater
from orders_project.messaging.events import (
    OrderCompleted,
    OrderPaid,
    OrderShipped,
    new_id,
)
from orders_project.messaging.hearing import HEARS, Listener, run_batch
from orders_project.messaging.models import Attempt, Inbox, Work
from orders_project.messaging.outages import PATIENCE
from orders_project.messaging.topology import ANALYTICS_QUEUE
from orders_project.messaging.wire import Wire
from tests.bus import hear
from tests.slow import too_slow

pytestmark = pytest.mark.django_db
QUEUE = ANALYTICS_QUEUE


class Handler:
    """A handler of ours: remembers what it handled, and fails for whom it is told."""

    def __init__(self):
        self.batches = []
        self.fails = {}

    def __call__(self, events):
        for event in events:
            if error := self.fails.get(event.id):
                raise error
        self.batches.append(list(events))

    @property
    def handled(self):
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def handler(monkeypatch):
    handler = Handler()
    listen(monkeypatch, OrderPaid, handler)
    return handler


def listen(monkeypatch, kind, handler):
    listener = Listener(
        f"test.{kind.type}", QUEUE.name, handler, inbox=True, as_written=False
    )
    monkeypatch.setitem(HEARS, (QUEUE.name, kind.type), listener)


def paid(count=1):
    return [
        OrderPaid(order_id=new_id(), total_cents=1, currency="USD")
        for _ in range(count)
    ]


def outcomes():
    return {work.outcome: work.events for work in Work.objects.exclude(events=0)}


def test_a_batch_is_handled_whole(handler):
    hear(QUEUE, *(events := paid(3)))

    assert handler.batches == [events]
    assert outcomes() == {"handled": 3}


def test_what_is_only_recorded_is_recorded_a_thousand_in_a_transaction(handler):
    hear(QUEUE, *paid(1_001))

    assert list(map(len, handler.batches)) == [1_000, 1]


def test_a_second_copy_is_dropped_even_inside_one_batch(handler):
    (event,) = paid()
    hear(QUEUE, event, event)
    hear(QUEUE, event)

    assert handler.handled == [event]


def test_an_id_in_another_spelling_is_the_same_id(handler):
    (event,) = paid()
    body = envelope.encode(event)
    loud = body.replace(event.id, event.id.upper())
    bare = body.replace(event.order_id, event.order_id.replace("-", ""))
    run_batch([Wire(QUEUE.name, text.encode(), {}, 5, False) for text in (loud, bare)])

    assert handler.handled == [event]


@pytest.mark.parametrize("attempts", ["two", -1, -5])
def test_attempts_that_are_no_number_are_none(handler, rungs, attempts):
    (bad,) = paid()
    handler.fails[bad.id] = ValueError("a bug")
    body = envelope.encode(bad).encode()
    run_batch([Wire(QUEUE.name, body, {"x-attempt": attempts}, 5, False)])

    assert len(rungs.to("retry.5s")) == 1


def test_one_poisoned_event_harms_only_itself(handler, rungs):
    first, bad, last = paid(3)
    handler.fails[bad.id] = Poison("It says no such thing.")
    hear(QUEUE, first, bad, last)

    assert handler.handled == [first, last]
    assert rungs.dead == ["It says no such thing."]
    assert Inbox.objects.count() == 2


def test_what_must_wait_goes_to_the_next_rung_alone(handler, rungs):
    first, early = paid(2)
    handler.fails[early.id] = RetryLater("not yet")
    hear(QUEUE, first, early)

    ((wire, _, headers),) = rungs
    assert rungs.to("retry.5s") == [wire]
    assert wire.body.count(early.id.encode()) == 1
    assert headers["x-attempt"] == 1
    assert handler.handled == [first]


def test_who_is_early_waits_and_the_others_are_handled_together(handler, rungs):
    events = paid(40)
    early = {event.order_id: f"too early: {event.id}" for event in events[:7]}
    handler.fails[events[0].id] = RetryLater(of=early)
    hear(QUEUE, *events)

    assert handler.batches == [events[7:]]
    reasons = [headers["x-exception"] for _, _, headers in rungs]
    assert reasons == [f"RetryLater: {why}" for why in early.values()]


def test_a_poisoned_batch_is_cut_by_fifties_before_it_is_cut_to_one(handler, rungs):
    events = paid(120)
    handler.fails[events[60].id] = Poison("It says no such thing.")
    hear(QUEUE, *events)

    sizes = [len(batch) for batch in handler.batches]
    assert sizes == [50, *[1] * 49, 20]
    assert len(rungs.dead) == 1


@pytest.mark.parametrize(
    ("attempt", "exchange"),
    [(0, "retry.5s"), (1, "retry.30s"), (2, "retry.2m"), (3, "retry.10m")],
)
def test_each_failure_climbs_one_rung(handler, rungs, attempt, exchange):
    (event,) = paid()
    handler.fails[event.id] = ValueError("a bug")
    hear(QUEUE, event, attempt=attempt)

    assert len(rungs.to(exchange)) == 1


def test_after_the_last_rung_it_is_dead_with_all_that_is_known(handler, rungs):
    (event,) = paid()
    handler.fails[event.id] = ValueError("a bug")
    hear(QUEUE, event, attempt=4)

    ((_, exchange, headers),) = rungs
    assert exchange.name == "dead.exchange"
    assert headers["x-reason"] == "Every retry was used up: a bug"
    assert headers["x-exception"] == "ValueError: a bug"
    assert "Traceback" in headers["x-traceback"]
    assert headers["x-attempts"] == 5
    assert headers["x-queue"] == QUEUE.name


def test_a_failure_leaves_nothing_half_done(handler):
    (event,) = paid()
    handler.fails[event.id] = RetryLater("not yet")
    hear(QUEUE, event)

    assert not Inbox.objects.exists()


def test_an_undecodable_event_is_parked_and_its_neighbours_are_not(handler, rungs):
    (good,) = paid()
    body = hearing.envelope.batch(
        ['{"type": "order.paid"}', hearing.envelope.encode(good)]
    )
    run_batch([tuple(Wire(QUEUE.name, body.encode(), {}, 1, False))])

    assert handler.handled == [good]
    assert "not a CloudEvent" in rungs.dead[0]


def test_what_nobody_here_hears_is_let_go(handler, rungs):
    hear(QUEUE, OrderCompleted(order_id=new_id()))

    assert handler.handled == rungs == []


def test_a_message_of_two_kinds_reaches_both_handlers(handler, monkeypatch):
    listen(monkeypatch, OrderShipped, handler)
    (event,) = paid()
    shipped = event.then(OrderShipped, tracking="T1")
    hear(QUEUE, event, shipped)

    assert handler.batches == [[event], [shipped]]


def test_an_outage_counts_no_attempt_and_decides_nothing(handler, rungs):
    (event,) = paid()
    handler.fails[event.id] = OperationalError("server closed the connection")
    with pytest.raises(Outage, match="server closed"):
        hear(QUEUE, event)

    assert rungs == []
    assert not Inbox.objects.exists()


def test_what_cannot_be_noted_of_a_message_that_was_sent_on_decides_nothing(
    handler, rungs, monkeypatch
):
    def note(*_what):
        raise InterfaceError

    monkeypatch.setattr(settling, "note_work", note)
    early, dead = paid(2)
    handler.fails |= {early.id: RetryLater("not yet"), dead.id: Poison("never")}
    hear(QUEUE, early, dead)

    assert len(rungs) == 2


def test_a_statement_that_took_too_long_is_no_outage_but_a_failure():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
        with pytest.raises(OperationalError) as too_long:
            cursor.execute("SELECT pg_sleep(1)")

    assert not hearing.is_outage(too_long.value)


def test_a_batch_that_was_too_slow_is_kept_whole_and_tried_again(handler, rungs):
    events = paid(3)
    handler.fails[events[1].id] = too_slow()
    with pytest.raises(Outage, match="The database is slow"):
        hear(QUEUE, *events)

    assert rungs == []
    assert not handler.handled


def test_one_event_that_is_always_too_slow_is_found_after_some_minutes(handler, rungs):
    good, slow, other = paid(3)
    handler.fails[slow.id] = too_slow()
    hear(QUEUE, good, slow, other, held=PATIENCE)

    assert handler.handled == [good, other]
    assert len(rungs) == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_has_no_time_left_comes_again_in_parts(handler, rungs):
    events = paid(3)
    handler.fails[events[0].id] = SoftTimeLimitExceeded()
    with pytest.raises(Reject) as rejected:
        hear(QUEUE, *events)

    assert rejected.value.requeue
    assert handler.handled == rungs == []


@pytest.mark.django_db(transaction=True)
def test_an_event_that_alone_takes_too_long_goes_to_its_rung(handler, rungs):
    (event,) = paid()
    handler.fails[event.id] = SoftTimeLimitExceeded()
    hear(QUEUE, event)

    assert len(rungs) == 1


def test_a_redelivered_event_is_counted_before_it_runs(handler):
    (event,) = paid()
    handler.fails[event.id] = OperationalError("server closed the connection")
    with pytest.raises(Outage):
        hear(QUEUE, event, redelivered=True)

    assert Attempt.objects.get().count == 1


def test_a_server_that_is_too_slow_to_count_a_death_parks_nobody(
    handler, rungs, monkeypatch
):
    def count(*_which):
        raise too_slow()

    events = paid(3)
    with monkeypatch.context() as slow:
        slow.setattr(deaths, "count", count)
        with pytest.raises(Outage, match="statement timeout"):
            hear(QUEUE, *events, redelivered=True)
    assert rungs == handler.handled == []

    hear(QUEUE, *events, redelivered=True)
    assert handler.handled == events


def test_what_failed_and_waits_on_its_rung_has_killed_nobody(handler, rungs):
    (event,) = paid()
    deaths.count(QUEUE.name, [event.id])
    handler.fails[event.id] = RetryLater("not yet")
    hear(QUEUE, event, redelivered=True)

    assert len(rungs) == 1
    assert not Attempt.objects.exists()


def test_what_an_outage_stopped_in_a_living_worker_is_not_counted(handler):
    (event,) = paid()
    handler.fails[event.id] = OperationalError("server closed the connection")
    with pytest.raises(Outage):
        hear(QUEUE, event, redelivered=True, held=1)

    assert not Attempt.objects.exists()


def test_what_was_handled_is_no_suspect_any_more(handler):
    (event,) = paid()
    deaths.count(QUEUE.name, [event.id])
    hear(QUEUE, event, redelivered=True)

    assert handler.handled == [event]
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    ("died", "sizes"), [(0, [50, 10]), (1, [1] * 60), (2, [1] * 60)]
)
def test_a_batch_that_came_back_is_cut_until_the_deadly_one_is_alone(
    handler, died, sizes
):
    events = paid(60)
    for _ in range(died):
        deaths.count(QUEUE.name, [event.id for event in events])
    hear(QUEUE, *events, redelivered=True)

    assert [len(batch) for batch in handler.batches] == sizes


def test_an_event_that_kills_its_worker_again_and_again_is_parked(handler, rungs):
    (deadly,) = paid()
    for _ in range(deaths.DEADLY):
        deaths.count(QUEUE.name, [deadly.id])
    hear(QUEUE, deadly, redelivered=True)

    assert handler.handled == []
    assert "worker died" in rungs.dead[0]


@pytest.mark.parametrize("size", [1, 80])
def test_the_frame_around_a_handler_takes_four_statements(
    handler, size, django_assert_num_queries
):
    with django_assert_num_queries(4):  # savepoint, inbox, tally, release
        hear(QUEUE, *paid(size))


def test_the_inbox_is_per_queue():
    (event,) = paid()

    assert inbox.take_new("one.queue", [event]) == [event]
    assert inbox.take_new("two.queue", [event]) == [event]
    assert inbox.take_new("two.queue", [event]) == []
    assert sql.fetch("SELECT count(*) FROM messaging_inbox") == [(2,)]
