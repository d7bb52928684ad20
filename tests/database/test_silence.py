"""A database connection that swallows everything, and no end says so."""

import time
from contextlib import contextmanager

import pytest
from django.db import InterfaceError, OperationalError, connection

from orders_project.database import silence, sql
from orders_project.messaging.outages import is_certain_outage
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.django_db
SHORT = 0.5


@pytest.fixture
def proxy():
    between = Proxy(int(connection.settings_dict["PORT"]))
    yield between
    between.close()


@pytest.fixture
def through(proxy):
    """Django's connection to the same database, through the proxy."""
    silence.end_silence(SHORT)
    ours = connection.copy()
    ours.settings_dict = ours.settings_dict | {"PORT": proxy.port}
    yield ours
    ours.close()
    silence.end_silence()


@contextmanager
def within(seconds):
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def run(wrapper, statement="SELECT 1"):
    with wrapper.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_statement_fails_as_in_an_outage_and_the_next_connection_works(
    through, proxy
):
    run(through)
    proxy.silence()

    with within(5 * SHORT), pytest.raises(OperationalError) as gone:
        run(through)
    assert is_certain_outage(gone.value)
    with within(SHORT):
        through.close_if_unusable_or_obsolete()
    assert run(through) == [(1,)]


def test_what_the_transaction_did_is_not_waited_for_again(through, proxy):
    through.set_autocommit(False)
    run(through)
    proxy.silence()

    with pytest.raises(OperationalError):
        run(through)
    with within(SHORT), pytest.raises(InterfaceError):
        through.rollback()


def test_the_begin_of_a_transaction_is_not_waited_for_long(through, proxy, monkeypatch):
    run(through)
    monkeypatch.setattr(silence, "SOON", SHORT)
    silence.end_silence(60)
    through.set_autocommit(False)
    proxy.silence()

    with within(5 * SHORT), pytest.raises(OperationalError):
        run(through)


def test_a_connection_to_a_silent_server_is_given_up(through, proxy, monkeypatch):
    monkeypatch.setattr(silence, "SOON", SHORT)
    proxy.silences = True

    with within(10 * SHORT), pytest.raises(OperationalError):
        run(through)


def test_a_statement_that_is_meant_to_take_long_is_let(through):
    silence.end_silence(SHORT)
    with silence.long_statements(5):
        sql.fetch("SELECT pg_sleep(%s)", [2 * SHORT])
    assert sql.fetch("SHOW statement_timeout") == [("15s",)]
