"""What a person starts and watches may take longer than any statement of a worker."""

import pytest
from django.core.management import call_command
from django.db.migrations.executor import MigrationExecutor

from audit import reports, selectors
from orders_project import promises
from orders_project.database import silence, sql
from orders_project.messaging.desk import selectors as desk

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds: what a statement may take at other times, in these tests.
LIMIT = 0.4
#: What each command runs, and takes long over here.
WORK = {
    ("migrate",): (MigrationExecutor, "migrate"),
    ("verify", "--moving"): (promises, "checks"),
    ("audit", "--verify"): (selectors, "incomplete"),
    ("rebuild_analytics",): (selectors, "count_orders"),
    ("analytics",): (reports, "reports"),
    ("dead", "list", "--groups"): (desk, "groups"),
}


@pytest.fixture
def impatient():
    sql.run("SET statement_timeout = %s", [f"{LIMIT}s"])
    silence.end_silence(LIMIT)
    yield
    silence.end_long_statements()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("words", WORK, ids=" ".join)
def test_maintenance_takes_as_long_as_it_takes(words, monkeypatch):
    owner, name = WORK[words]
    work = getattr(owner, name)

    def slowly(*args, **options):
        sql.fetch("SELECT pg_sleep(%s)", [2 * LIMIT])
        return work(*args, **options)

    monkeypatch.setattr(owner, name, slowly)
    call_command(*words)

    assert sql.fetch("SHOW statement_timeout") == [("15s",)]
