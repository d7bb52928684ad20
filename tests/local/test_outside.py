"""Servers of one's own are used, whatever shape their addresses have."""

import base64

import pytest
from django.conf import settings

from deploy.local import application, ports, rabbitmq, status, supervise
from deploy.local.system import System
from tests.encrypted import ANOTHER, OURS, encrypted


def outside(amqp, management="http://broker:15672"):
    named = {"AMQP_URL": amqp, "MANAGEMENT_URL": management}
    return System("dev", ports=ports.scattered(), outside=named)


@pytest.mark.broker
@pytest.mark.parametrize(("name", "is_ready"), [(OURS, True), (ANOTHER, False)])
def test_a_broker_behind_tls_is_ready_if_the_application_would_trust_it(
    tmp_path, monkeypatch, name, is_ready
):
    with encrypted(tmp_path, name) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert rabbitmq.is_ready(outside(url, settings.MANAGEMENT_URL)) is is_ready


@pytest.mark.broker
def test_a_broker_that_lets_us_not_in_is_not_ready():
    stranger = settings.AMQP_URL.replace("://", "://no", 1)

    assert rabbitmq.is_ready(outside(settings.AMQP_URL, settings.MANAGEMENT_URL))
    assert not rabbitmq.is_ready(outside(stranger, settings.MANAGEMENT_URL))


@pytest.mark.parametrize(
    ("path", "vhost"),
    [
        ("", "%2F"),
        ("/", "%2F"),
        ("//", "%2F"),
        ("/%2F", "%2F"),
        ("/our%20shop", "our%20shop"),
        ("/a%2Fb", "a%2Fb"),
    ],
)
def test_consumers_are_looked_for_in_the_vhost_of_the_address(monkeypatch, path, vhost):
    asked = []
    monkeypatch.setattr(rabbitmq, "ask", lambda _system, what: asked.append(what))

    assert application.heard(outside(f"amqp://broker{path}")) == set()
    assert asked == [f"consumers/{vhost}"]


@pytest.mark.parametrize(
    ("amqp", "management"),
    [
        ("amqp://broker:5672//", "http://broker:15672"),
        ("amqps://me:p%40ss@broker/shop", "http://me:p%40ss@broker:15672"),
    ],
)
def test_the_management_api_is_the_brokers_own_where_none_is_named(
    monkeypatch, amqp, management
):
    monkeypatch.setenv("AMQP_URL", amqp)
    monkeypatch.delenv("MANAGEMENT_URL", raising=False)
    ours = System("dev", ports=ports.scattered())
    ours.notice_outside()

    assert ours.management_url == management


@pytest.mark.parametrize(
    ("url", "fetched", "login"),
    [
        ("http://broker", "http://broker:15672/api/whoami", "guest:guest"),
        ("https://me:p%40ss@broker", "https://broker:443/api/whoami", "me:p@ss"),
        ("http://me:pw@broker:1", "http://broker:1/api/whoami", "me:pw"),
    ],
)
def test_the_management_api_is_asked_as_its_address_says(
    monkeypatch, url, fetched, login
):
    asked = []
    monkeypatch.setattr(rabbitmq, "fetch", lambda *words: asked.append(words) or "{}")

    assert rabbitmq.ask(outside("amqp://", url), "whoami") == {}
    [(address, headers)] = asked
    assert address == fetched
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == login


def test_a_login_is_shown_as_one_types_it(monkeypatch):
    monkeypatch.setattr(supervise, "is_up", lambda _system: True)
    monkeypatch.setattr(supervise, "processes", lambda _system: {})
    ours = outside("amqp://", "https://me:p%40ss@broker:1/")

    assert status.report(ours)["management"] == {
        "url": "https://broker:1/",
        "user": "me",
        "password": "p@ss",
    }


def test_a_server_that_is_not_ours_is_awaited_without_the_supervisor(monkeypatch):
    monkeypatch.setattr(supervise, "processes", lambda _system: {})

    supervise.check(outside("amqp://broker"), "rabbitmq")
