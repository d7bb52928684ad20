"""Every event is recorded once, as the next link of its order's chain."""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit import chain, services
from audit.models import AuditRecord
from audit.selectors import links, records, violations
from orders_project.messaging import envelope
from orders_project.messaging.events import EVENTS, OrderCancelled, OrderPaid
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.topology import AUDIT_QUEUE
from tests.audit.conftest import created, record, say, story
from tests.bus import hear_text
from tests.texts import AWKWARD

pytestmark = pytest.mark.django_db


def test_the_body_is_recorded_as_it_was_said(recorded):
    bodies = [one.body for one in records(recorded[0].order_id)]

    assert bodies == [envelope.encode(event) for event in recorded]


def test_what_a_text_holds_does_not_tear_the_records_apart():
    event = story()[0]
    events = [event.then(OrderCancelled, reason=reason) for reason in AWKWARD]
    say(event, *events)
    record(event, *events)

    assert AuditRecord.objects.count() == 1 + len(events)
    assert not list(violations())


def as_written(*events):
    return [envelope.Written(event, envelope.encode(event)) for event in events]


def test_what_another_release_added_to_an_event_is_recorded_as_it_was_said():
    said = json.loads(envelope.encode(created()))
    said["data"] |= {"gift": True}
    said["subject"] = said["subject"].upper()
    hear_text(AUDIT_QUEUE, json.dumps(said, indent=1))

    [one] = AuditRecord.objects.all()
    assert json.loads(one.body) == said
    assert not list(chain.breaks(links()))


def test_a_record_of_a_version_that_is_no_longer_spoken_still_verifies(monkeypatch):
    record(*story())
    monkeypatch.setattr(OrderCancelled, "version", 2)
    monkeypatch.setattr(OrderPaid, "version", 2)

    assert not list(chain.breaks(links()))


def test_anyone_can_verify_the_chain_with_sha256sum(recorded):
    previous = ""
    for number, one in enumerate(records(recorded[0].order_id), start=1):
        assert one.seq == number
        assert one.previous_hash == previous
        assert one.hash == sha256((previous + one.body).encode()).hexdigest()
        previous = one.hash


def test_hearing_everything_twice_records_it_once(recorded):
    record(*recorded, *recorded)
    for event in recorded:
        record(event)

    assert AuditRecord.objects.count() == len(recorded)
    assert not list(violations())


def test_any_order_of_arrival_makes_a_chain_that_verifies():
    events = [event for _ in range(20) for event in story()]
    say(*events)
    shuffled = random.Random(7).sample(events, len(events))
    for start in range(0, len(shuffled), 9):
        record(*shuffled[start : start + 9])

    assert AuditRecord.objects.count() == len(events)
    assert not list(violations())


def test_a_batch_costs_the_same_statements_whatever_its_size():
    assert statements(1) == statements(25)


def statements(orders):
    events = [event for _ in range(orders) for event in story()]
    with CaptureQueriesContext(connection) as captured:
        record(*events)
    return len(captured)


def test_every_event_type_is_recorded():
    assert {kind for queue, kind in HEARS if queue == AUDIT_QUEUE.name} == set(EVENTS)


@pytest.mark.parametrize("change", ["UPDATE {} SET type = type", "DELETE FROM {}"])
def test_the_database_refuses_to_change_a_record(recorded, change):
    with (
        pytest.raises((ProgrammingError, InternalError), match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(AuditRecord._meta.db_table))

    assert AuditRecord.objects.count() == len(recorded)


@pytest.mark.django_db(transaction=True)
def test_workers_that_record_one_order_at_once_make_one_chain():
    events = [event for _ in range(10) for event in story()]
    say(*events)
    barrier = threading.Barrier(4)

    def work(seed):
        shuffled = random.Random(seed).sample(events, len(events))
        barrier.wait()
        for start in range(0, len(shuffled), 7):
            with transaction.atomic():
                services.record(as_written(*shuffled[start : start + 7]))
        connection.close()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))  # raises what a worker raised

    assert AuditRecord.objects.count() == len(events)
    assert not list(violations())
