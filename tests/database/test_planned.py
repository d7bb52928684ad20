"""Some statements are planned once by each session, and nobody above notices."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders_project.database import sql
from orders_project.database.planned import Planned

pytestmark = pytest.mark.django_db
ADD = Planned("SELECT %s::int + %s::int")
PLANS = """
    SELECT custom_plans + generic_plans FROM pg_prepared_statements
    WHERE statement LIKE '%% AS SELECT $1::int + $2::int'
"""


def test_a_session_plans_it_once():
    assert [sql.fetch(ADD, [1, 2]), sql.fetch(ADD, [3, 4])] == [[(3,)], [(7,)]]
    assert sql.fetch(PLANS) == [(2,)]


@pytest.mark.django_db(transaction=True)
def test_another_session_plans_it_again():
    sql.run(ADD, [1, 2])
    connection.close()
    assert sql.fetch(ADD, [3, 4]) == [(7,)]
    assert sql.fetch(PLANS) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_it_survives_a_transaction_that_is_rolled_back():
    with transaction.atomic():
        sql.run(ADD, [1, 2])
        transaction.set_rollback(True)
    assert sql.fetch(ADD, [3, 4]) == [(7,)]


def test_a_plan_whose_name_was_never_noted_is_in_nobodys_way():
    sql.run(ADD, [1, 2])
    connection.connection.known.clear()
    assert sql.fetch(ADD, [3, 4]) == [(7,)]


def test_who_looks_at_statements_sees_it_as_it_is_written():
    with CaptureQueriesContext(connection) as queries:
        sql.run(ADD, [1, 2])
    seen = []
    with connection.execute_wrapper(
        lambda execute, query, *rest: seen.append(query) or execute(query, *rest)
    ):
        sql.run(ADD, [1, 2])
    assert len(queries) == 1
    assert seen == [ADD]
