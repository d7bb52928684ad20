"""A partner's user of the broker, as docs/events.md makes it: it hears, and no more."""

import base64
import json
import shlex
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest
from amqp import AccessRefused, Message
from django.conf import settings
from kombu import Connection

from orders_project.messaging.events import OrderPaid, new_id
from tests.awaiting import eventually
from tests.broker.test_routing import say
from tests.docs.pages import EVENTS

PASSWORD = "heard, not said"
TITLES = ("configure", "write", "read")


def administer(method, path, **body):
    """What rabbitmqctl would do, by the management API: any broker of a test has it."""
    there = urlsplit(settings.MANAGEMENT_URL)
    login = base64.b64encode(f"{there.username}:{there.password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
    with closing(HTTPConnection(there.hostname, there.port, timeout=5)) as connection:
        connection.request(method, f"/api/{path}", json.dumps(body), headers)
        assert connection.getresponse().status < 300


@pytest.fixture
def partner(broker):
    """A connection with the permissions of the page."""
    [block] = [one for one in EVENTS.blocks("sh") if "set_permissions" in one]
    [made, permitted] = map(shlex.split, block.splitlines())
    user, *patterns = permitted[2:]
    assert made[-1] == user
    there = urlsplit(settings.AMQP_URL)
    vhost = quote(Connection(settings.AMQP_URL).virtual_host, safe="")
    administer("PUT", f"users/{user}", password=PASSWORD, tags="")
    try:
        rights = dict(zip(TITLES, patterns, strict=True))
        administer("PUT", f"permissions/{vhost}/{user}", **rights)
        netloc = f"{user}:{quote(PASSWORD)}@{there.hostname}:{there.port}"
        with Connection(there._replace(netloc=netloc).geturl()) as connection:
            yield connection
    finally:
        administer("DELETE", f"users/{user}")


@contextmanager
def refused():
    with pytest.raises(AccessRefused, match="refused for user 'partner'"):
        yield


def test_it_hears_what_its_queue_is_bound_to(broker, partner):
    with closing(partner.channel()) as channel:
        channel.queue_declare("partner.paid", exclusive=True)
        channel.queue_bind("partner.paid", "order.exchange", "order.paid")
        say(
            broker, event := OrderPaid(order_id=new_id(), total_cents=1, currency="USD")
        )
        heard = eventually(lambda: channel.basic_get("partner.paid", no_ack=True))
    assert event.id in heard.body


def test_it_reads_no_queue_of_ours(partner):
    with refused():
        partner.channel().basic_get("email.queue")


def test_it_binds_no_queue_of_ours(partner):
    with refused():
        partner.channel().queue_bind("email.queue", "order.exchange", "#")


def test_it_declares_no_queue_but_its_own(partner):
    with refused():
        partner.channel().queue_declare("another.queue")


@pytest.mark.parametrize("exchange", ["order.exchange", "payment.exchange", ""])
def test_it_publishes_nothing(partner, exchange):
    channel = partner.channel()
    with refused():
        channel.basic_publish_confirm(Message("{}"), exchange, "inventory.queue")
