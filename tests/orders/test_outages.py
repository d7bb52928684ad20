"""The database goes away at every moment of a request: 503, and never a false 201."""

from contextlib import closing

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper

from orders.models import Order

BODY = {"items": ["TEAPOT"]}


def raises(error):
    def gone(*_args, **_more):
        raise error

    return gone


def assert_gone(answer):
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer["Content-Type"] == "application/problem+json"


def order(api):
    return api().post("/api/orders/", BODY, format="json")


def close_here(wrapper):
    wrapper.connection.close()


def end_there(wrapper):
    """Have the server end the connection, as it does when it shuts down."""
    pid = wrapper.connection.info.backend_pid
    other = wrapper.get_new_connection(wrapper.get_connection_params())
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_without_a_connection_nothing_is_promised(api, catalogue, monkeypatch, error):
    connection.close()
    with monkeypatch.context() as outage:
        outage.setattr(BaseDatabaseWrapper, "connect", raises(error))
        assert_gone(order(api))
    assert not Order.objects.exists()
    assert order(api).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [close_here, end_there])
@pytest.mark.parametrize("moment", ["_commit", "create_cursor"])
def test_a_connection_that_ends_midway_promises_nothing(
    api, catalogue, monkeypatch, end, moment
):
    whole = getattr(DatabaseWrapper, moment)

    def broken(wrapper, *args, **more):
        end(wrapper)
        return whole(wrapper, *args, **more)

    with monkeypatch.context() as outage:
        outage.setattr(DatabaseWrapper, moment, broken)
        assert_gone(order(api))
    connection.close()
    assert not Order.objects.exists()
    assert order(api).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/readyz", "/api/products/"])
def test_reading_says_so_too(api, monkeypatch, path):
    connection.close()
    monkeypatch.setattr(
        BaseDatabaseWrapper, "connect", raises(OperationalError("gone"))
    )
    assert_gone(api().get(path))


def test_the_process_lives_without_a_database(client):
    assert client.get("/healthz").json() == {"status": "alive"}


@pytest.mark.django_db
def test_what_happens_before_a_view_is_answered_alike(api, people, monkeypatch):
    client = api()
    client.force_login(people["staff"])
    monkeypatch.setattr(SessionStore, "load", raises(OperationalError("gone")))
    assert_gone(client.get("/admin/"))
    assert_gone(client.get("/api/orders/"))


@pytest.mark.django_db
def test_a_bug_of_ours_is_a_500_without_its_secrets(api, monkeypatch):
    monkeypatch.setattr("orders.views.intake.new_order", raises(KeyError("secret")))
    answer = api().post("/api/orders/", BODY, format="json")
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert b"secret" not in answer.content


def test_an_address_that_is_not_there_is_a_problem_too(client):
    answer = client.get("/api/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (
        404,
        "application/problem+json",
    )
