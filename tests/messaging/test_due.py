"""Parcels that are due later, millions of them perhaps, are in nobody's way."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders_project import metrics
from orders_project.database import index_scans, sql
from orders_project.messaging import backlog, packing
from orders_project.messaging.events import NORMAL, URGENT

pytestmark = pytest.mark.django_db

PUT = """
    INSERT INTO messaging_parcel (exchange, routing_key, priority, due, body)
    SELECT 'task.exchange', %s, %s,
        statement_timestamp() + make_interval(secs => %s), '[]'
    FROM generate_series(1, %s)
"""
LATER = 5_000


def put(name, *, priority=NORMAL, seconds=0, count=1):
    sql.run(PUT, [name, priority, seconds, count])


@pytest.fixture
def due_later():
    """So many wait: put before the others, so that their numbers are the lowest."""
    put("later", seconds=3600, count=LATER)
    put("much later", priority=URGENT, seconds=259_200, count=LATER)


@pytest.fixture
def as_the_relay():
    sql.run(index_scans.BY_KEY)
    yield
    sql.run("RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin")


def taken():
    return [parcel.routing_key for parcel in packing.take()]


def read(query, params=()):
    """Return how many parcels a statement read, used or not, wherever it did."""
    [[[found]]] = sql.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", params)
    return sum(_rows(node) for node in _nodes(found["Plan"]))


def _nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _rows(node):
    if "Scan" not in node["Node Type"] or "Relation Name" not in node:
        return 0
    wasted = [count for name, count in node.items() if name.startswith("Rows Removed")]
    return (node["Actual Rows"] + sum(wasted)) * node["Actual Loops"]


def test_the_relay_does_not_read_what_is_due_later(due_later, as_the_relay):
    assert not taken()  # which clears away what other tests rolled back
    put("now", count=3)
    put("now", priority=URGENT, count=3)
    # By the index, and by place.
    assert [read(packing.TAKE, {"grip": 4}) for _ in range(3)] == [8, 4, 0]


def asked(deed):
    with CaptureQueriesContext(connection) as queries:
        deed()
    return [one["sql"] for one in queries if "messaging_parcel" in one["sql"]]


@pytest.mark.parametrize(
    "question",
    [
        lambda: backlog.look(1_000),
        lambda: list(metrics.Database().collect()),
        lambda: call_command("stats"),
    ],
)
def test_nobody_who_counts_what_waits_reads_what_is_due_later(due_later, question):
    put("now", count=3)
    sql.run("ANALYZE messaging_parcel")
    for query in asked(question):
        assert read(query) <= 6, query


def test_the_urgent_go_first_then_who_is_due_first():
    put("due last", seconds=-1)
    put("due first", seconds=-2)
    put("urgent, due last", priority=URGENT, seconds=-1)
    put("urgent, due first", priority=URGENT, seconds=-2)

    assert taken() == ["urgent, due first", "urgent, due last", "due first", "due last"]


def test_who_is_due_at_once_goes_in_the_order_of_coming():
    for name in "abcdefgh":
        put(name, seconds=-1)
    sql.run("UPDATE messaging_parcel SET due = (SELECT min(due) FROM messaging_parcel)")
    assert taken() == [*"abcdefgh"]


def test_of_many_urgent_ones_a_handful_leaves_the_others_where_they_are():
    put("urgent", priority=URGENT, count=3)
    put("normal", count=3)
    sql.fetch(packing.TAKE, {"grip": 4})
    assert taken() == ["normal"] * 2


@pytest.mark.parametrize("priority", [-1, 0, 3, 9, 255])
def test_no_priority_is_left_behind(priority):
    put("strange", priority=priority)
    assert taken() == ["strange"]


@pytest.mark.django_db(transaction=True)
def test_a_parcel_is_taken_when_it_is_due_and_not_before():
    put("soon", seconds=0.5)
    assert not taken()
    sql.run("SELECT pg_sleep(0.6)")
    with transaction.atomic():
        assert taken() == ["soon"]


def test_the_model_and_the_migrations_name_the_index_by_which_is_read():
    [(definition,)] = sql.fetch(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'parcel_in_turn'"
    )
    assert f"((priority >= {URGENT})), due, id" in definition
