"""A worker is told to stop in the middle of a batch; no order minds."""

import time
from contextlib import contextmanager

import pytest
from django.conf import settings
from kombu.utils.url import parse_url

from orders_project.messaging.models import Attempt, DeadLetter, Parcel
from payments.models import GatewayEntry, Payment
from tests.awaiting import eventually
from tests.faults.proxy import Proxy
from tests.processes import depth, worker
from tests.story.conftest import running
from tests.story.test_outages import no_database_for_others

STEPS = "payment.prepaid.queue"
#: What supervisor and Docker grant.
GRACE = 10


@contextmanager
def charging(shop, seconds):
    """Run a worker that is in the middle of a charge which takes so many seconds.

    Behind it waits a second charge, in the same worker's hands.
    """
    port = parse_url(settings.AMQP_URL)["port"]
    proxy = Proxy(port)
    through = settings.AMQP_URL.replace(f":{port}/", f":{proxy.port}/")
    slow = shop.settings | {"SIMULATED_SLOW_SECONDS": seconds, "AMQP_URL": through}
    with running(STEPS, **shop.settings), worker(STEPS, **slow) as hearing:
        hearing.proxy = proxy
        hearing.orders = [shop.order(payment_token="tok_slow")]
        eventually(GatewayEntry.objects.exists)
        hearing.orders += [shop.order()]
        eventually(lambda: Payment.objects.count() == 2 and not Parcel.objects.exists())
        eventually(lambda: depth(STEPS) == 0)
        yield hearing
    proxy.close()


def told_to_stop(process):
    """Send TERM and return after how many seconds it was gone."""
    start = time.monotonic()
    process.terminate()
    process.wait(2 * GRACE)
    return time.monotonic() - start


def test_a_worker_ends_the_batch_that_it_has_begun(shop):
    with charging(shop, seconds=2) as hearing:
        assert told_to_stop(hearing) < GRACE
        assert sorted(one.status for one in Payment.objects.all()) == [
            "authorised",
            "opened",
        ]
        assert "cut off" not in hearing.log()
        eventually(lambda: depth(STEPS) == 2)

    assert_all_is_well(shop, hearing.orders)


def test_what_waits_behind_a_long_batch_goes_to_others_at_once_and_it_later(shop):
    with charging(shop, seconds=60) as hearing:
        hearing.terminate()
        eventually(lambda: depth(STEPS) == 1, within=GRACE)
        assert hearing.poll() is None
        eventually(lambda: depth(STEPS) == 2, within=GRACE)

    assert_all_is_well(shop, hearing.orders)


@contextmanager
def silent_broker(hearing):
    hearing.proxy.silences = True
    hearing.proxy.silence()
    yield
    # As RabbitMQ does by itself when it misses the heartbeats.
    hearing.proxy.reset()


@pytest.mark.parametrize(
    "trouble",
    [silent_broker, lambda _: no_database_for_others()],
    ids=["a silent broker", "no database"],
)
def test_a_worker_hands_back_what_it_cannot_end(shop, trouble):
    with charging(shop, seconds=60) as hearing:
        with trouble(hearing):
            assert told_to_stop(hearing) < GRACE
        assert "cut off" in hearing.log()
        eventually(lambda: depth(STEPS) == 2)

    assert_all_is_well(shop, hearing.orders)


def assert_all_is_well(shop, orders):
    with running(**shop.settings | {"SIMULATED_SLOW_SECONDS": 0}):
        for order_id in orders:
            shop.wait_for(order_id, "completed")
        shop.verify()
    captured = GatewayEntry.objects.filter(state="captured")
    assert [entry.amount_cents for entry in captured] == [1999, 1999]
    assert not Attempt.objects.exists()
    assert not DeadLetter.objects.exists()
