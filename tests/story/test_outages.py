"""Parts of the system are away for a while, and no order minds."""

import sys

from tests.processes import process, relay, worker
from tests.story.conftest import QUEUES, running


def test_orders_are_taken_without_a_broker_and_finish_once_it_is_there(shop):
    nowhere = {"AMQP_URL": "amqp://guest:guest@127.0.0.1:1//"}
    orders = [shop.order() for _ in range(5)]
    with relay_to_nowhere(shop, nowhere) as stranded:
        orders += [shop.order() for _ in range(5)]
        assert stranded.poll() is None

    with running(**shop.settings):
        for order_id in orders:
            shop.wait_for(order_id, "completed")
        shop.verify()


def relay_to_nowhere(shop, nowhere):
    return process(sys.executable, "manage.py", "relay", **shop.settings | nowhere)


def test_workers_of_one_queue_share_its_orders(shop):
    rest = [name for name in QUEUES if name != "payment.queue"]
    with (
        relay(**shop.settings),
        worker(*rest, **shop.settings),
        worker("payment.queue", concurrency=2, **shop.settings),
        worker("payment.queue", concurrency=2, **shop.settings),
    ):
        orders = [shop.order() for _ in range(20)]
        for order_id in orders:
            shop.wait_for(order_id, "completed")
        shop.verify()
