"""What only matters while a message may come twice is deleted in the end."""

from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders_project.database import sql
from orders_project.messaging import pruning, tasks
from orders_project.messaging.events import new_id
from tests.bus import carry, pump

pytestmark = pytest.mark.django_db

#: table -> its columns, but for the time by which it is pruned.
ROWS = {
    ("messaging_inbox", "handled"): "queue, event_id",
    ("messaging_attempt", "at"): "count, queue, event_id",
    ("messaging_work", "at"): "events, queue, outcome",
    ("messaging_nudge", "at"): "what, by, order_id",
}
OLD = "01900000-0000-7000-8000-{:012x}"
VALUES = {
    "event_id": lambda: OLD.format(0),
    "order_id": new_id,
    "count": lambda: 1,
    "events": int,
}


@pytest.mark.parametrize("pruned", ROWS)
def test_rows_older_than_the_retention_are_deleted_and_younger_ones_kept(
    pruned, settings
):
    settings.RETENTION_DAYS = 7
    for days, queue in ((6, "one"), (8, "another")):
        insert(*pruned, days, queue)
    tasks.prune()

    table, when = pruned
    assert sql.fetch(f"SELECT (now() - {when})::text FROM {table}") == [("6 days",)]


def insert(table, when, days, queue="some"):
    names = ROWS[table, when].split(", ")
    values = [VALUES.get(name, lambda: queue)() for name in names]
    sql.run(
        f"INSERT INTO {table} ({', '.join(names)}, {when}) "
        f"VALUES ({'%s, ' * len(names)} now() - make_interval(days => {days}))",
        values,
    )


MANY = """
    INSERT INTO messaging_inbox (queue, event_id, handled)
    SELECT 'some', (rpad('01900000', 30, '0') || to_char(n, 'fm00'))::uuid,
        now() - interval '91 days'
    FROM generate_series(1, 25) AS n
"""


@pytest.fixture
def small_lots(monkeypatch):
    monkeypatch.setattr(pruning, "LOT", 10)


def rows(table="messaging_inbox"):
    [(found,)] = sql.fetch(f"SELECT count(*) FROM {table}")
    return found


def test_no_statement_deletes_more_than_a_lot(small_lots):
    sql.run(MANY)
    with CaptureQueriesContext(connection) as queries:
        assert tasks.prune() == "25 rows deleted"

    assert rows() == 0
    assert sum("DELETE FROM messaging_inbox" in one["sql"] for one in queries) == 3


def test_what_there_is_no_time_for_is_deleted_by_another_task(small_lots, monkeypatch):
    sql.run(MANY)
    monkeypatch.setattr(pruning, "monotonic", count(step=pruning.SECONDS / 2).__next__)
    tasks.prune()
    assert rows() == 15

    [again] = carry()
    assert again.routing_key == "messaging.tasks"
    assert rows() == 5

    pump()
    assert rows() == 0


def test_a_large_table_does_not_keep_the_others_from_their_turn(
    small_lots, monkeypatch
):
    sql.run(MANY)
    insert("messaging_attempt", "at", 91)
    monkeypatch.setattr(pruning, "monotonic", count(step=pruning.SECONDS / 2).__next__)
    tasks.prune()
    assert rows("messaging_attempt") == 0


def test_the_trouble_of_one_table_does_not_stop_the_others(monkeypatch, caplog):
    insert("messaging_inbox", "handled", 91)
    broken = pruning.old("messaging_work", "1 / 0")
    monkeypatch.setattr(tasks, "PRUNE", (broken, *tasks.PRUNE))
    tasks.prune()

    assert rows() == 0
    assert "could not delete" in caplog.text
    assert "messaging_work" in caplog.text
    assert not carry()
