"""What only matters while a message may come twice is deleted in the end."""

import pytest

from orders_project.messaging import sql, tasks
from orders_project.messaging.events import new_id

pytestmark = pytest.mark.django_db

#: table -> its columns, but for the time by which it is pruned.
ROWS = {
    ("messaging_inbox", "handled"): "queue, event_id",
    ("messaging_attempt", "at"): "count, queue, event_id",
    ("messaging_work", "at"): "events, queue, outcome",
    ("messaging_nudge", "at"): "what, by, order_id",
}
VALUES = {"event_id": new_id, "order_id": new_id, "count": lambda: 1, "events": int}


@pytest.mark.parametrize("pruned", ROWS)
def test_rows_older_than_the_retention_are_deleted_and_younger_ones_kept(
    pruned, settings
):
    settings.RETENTION_DAYS = 7
    for days in (6, 8):
        insert(*pruned, days)
    tasks.prune()

    table, when = pruned
    assert sql.fetch(f"SELECT (now() - {when})::text FROM {table}") == [("6 days",)]


def insert(table, when, days):
    names = ROWS[table, when].split(", ")
    values = [VALUES.get(name, lambda: "some")() for name in names]
    sql.run(
        f"INSERT INTO {table} ({', '.join(names)}, {when}) "
        f"VALUES ({'%s, ' * len(names)} now() - make_interval(days => {days}))",
        values,
    )
