"""The whole system on quorum queues, in a virtual host of its own."""

import json
from base64 import b64encode
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from django.conf import settings as configured

from orders_project.messaging import inspection
from orders_project.messaging.desk import services, tidying
from orders_project.messaging.models import DeadLetter
from orders_project.messaging.topology import DEAD_LETTER_QUEUE, QUEUES
from tests.awaiting import eventually
from tests.processes import depth, manage
from tests.story.conftest import running

VHOST = "quorum"


def administer(method, path, **body):
    """Have RabbitMQ's management API change something."""
    there = urlsplit(configured.MANAGEMENT_URL)
    login = b64encode(f"{there.username}:{there.password}".encode()).decode()
    request = Request(
        f"http://{there.hostname}:{there.port}/api/{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=10):  # noqa: S310 - http, as written above
        pass


@pytest.fixture
def quorum(topology, transactional_db, settings, monkeypatch):
    """Settings of processes on quorum queues; this process looks at them as well."""
    there = urlsplit(settings.AMQP_URL)
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    administer("PUT", f"vhosts/{VHOST}")
    administer("PUT", f"permissions/{VHOST}/{there.username}", **everything)
    settings.AMQP_URL = there._replace(path=f"/{VHOST}").geturl()
    for name in ("CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
        monkeypatch.setenv(name, settings.AMQP_URL)
    told = {"AMQP_URL": settings.AMQP_URL, "QUEUE_TYPE": "quorum"}
    applied = manage("topology", "--apply", **told)
    assert "are as declared" in applied.stdout, applied.stderr
    yield told
    administer("DELETE", f"vhosts/{VHOST}")


def test_every_queue_is_a_quorum_queue_and_none_gives_messages_up(quorum):
    live = {queue["name"]: queue for queue in inspection.queues()}

    assert live.keys() == {queue.name for queue in QUEUES}
    assert {queue["type"] for queue in live.values()} == {"quorum"}
    assert "23 queues are as declared" in manage("topology", "--check", **quorum).stdout


def test_orders_questions_and_dead_letters_go_their_way(quorum, shop, broker):
    with running(**shop.settings | quorum):
        orders = [shop.order() for _ in range(5)]
        for order_id in orders:
            shop.wait_for(order_id, "completed")
        assert shop.get(orders[0], "payment/")["status"] == "settled"
        broker.send("", "order.queue", "no event", "nor this")
        first, second = eventually(two_letters)
        shop.verify()

        services.discard(DeadLetter.objects.filter(pk=first.pk), who="a", why="b")
        assert tidying.tidy() == (1, 0, 1)
        eventually(lambda: depth(DEAD_LETTER_QUEUE.name) == 1)
        assert tidying.tidy() == (0, 0, 1)
        assert DeadLetter.objects.get(status="open") == second


def two_letters():
    letters = list(DeadLetter.objects.order_by("id"))
    return letters if len(letters) == 2 else None
