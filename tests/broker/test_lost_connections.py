"""Who loses the broker: a worker with the same event in hand, and an idle relay."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings

from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import Inbox, Work
from tests.awaiting import eventually
from tests.broker.behaviours import CUT_OFF, CUTS, QUEUE
from tests.faults.proxy import Proxy
from tests.processes import relay, worker


@pytest.fixture
def proxy():
    between = Proxy(urlsplit(settings.AMQP_URL).port)
    yield between
    between.close()


def test_a_lost_connection_is_no_death_of_what_its_worker_had_in_hand(
    broker, topology, proxy
):
    event = OrderPaid(order_id=new_id(), total_cents=CUT_OFF, currency="USD")
    with worker(QUEUE.name, app="tests.broker.crooked", AMQP_URL=through(proxy)):
        broker.say(QUEUE, event)
        for cut in range(1, CUTS + 1):
            eventually(lambda cut=cut: begun() == cut)
            proxy.reset()
        eventually(lambda: Inbox.objects.filter(event_id=event.id).exists())

    assert broker.is_empty("dead.letter.queue")


@pytest.mark.parametrize("what", ["half_close", "reset"])
def test_a_relay_that_the_broker_hangs_up_on_connects_again(broker, proxy, what):
    with relay(AMQP_URL=through(proxy)) as running:
        getattr(proxy, what)()
        eventually(lambda: running.log().count("is connected") == 2)


def begun():
    return Work.objects.filter(outcome="begun").count()


def through(proxy):
    return settings.AMQP_URL.replace(
        f":{urlsplit(settings.AMQP_URL).port}", f":{proxy.port}"
    )
