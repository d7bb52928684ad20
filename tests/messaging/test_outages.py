"""The database restarts under a worker, and the next try finds it again."""

import psycopg2
import pytest
from django.db import connection

from orders_project.messaging import sql
from orders_project.messaging.errors import Outage
from orders_project.messaging.hearing import guarded
from orders_project.messaging.steps import step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def restart():
    """Cut this process's database connection off, as a restarted server does."""
    settings = connection.settings_dict

    def cut():
        [(pid,)] = sql.fetch("SELECT pg_backend_pid()")
        other = psycopg2.connect(
            dbname=settings["NAME"],
            user=settings["USER"],
            password=settings["PASSWORD"],
            host=settings["HOST"],
            port=settings["PORT"],
        )
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()

    return cut


def read(ids):
    sql.fetch("SELECT 1")
    return ids


read_a_row = step(read)


def test_a_step_names_the_outage_and_works_at_the_next_try(restart):
    assert read_a_row(["one"]) == ["one"]
    restart()

    with pytest.raises(Outage, match="OperationalError"):
        read_a_row(["one"])
    assert read_a_row(["one"]) == ["one"]


def test_a_batch_of_events_names_the_outage_and_works_at_the_next_try(restart):
    handle = guarded(read)
    assert handle(["one"]) == ["one"]
    restart()

    with pytest.raises(Outage, match="OperationalError"):
        handle(["one"])
    assert handle(["one"]) == ["one"]
