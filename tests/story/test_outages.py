"""Parts of the system are away for a while, and no order minds."""

import sys
from contextlib import ExitStack, closing, contextmanager

import psycopg2
from celery import current_app
from django.db import connection

from orders_project.messaging.models import Attempt, DeadLetter, Parcel
from tests.awaiting import eventually
from tests.processes import depth, process, relay, worker
from tests.story.conftest import QUEUES, running

CUT_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = %s AND pid <> %s
"""


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


def test_beyond_its_limit_the_outbox_takes_no_orders_until_the_relay_is_back(
    shop, settings
):
    settings.OUTBOX_LIMIT = 3
    with relay(**shop.settings):
        orders = [shop.order()]
    orders += [shop.order() for _ in range(3)]
    eventually(lambda: shop.try_to_order().status_code == 503)

    with running(**shop.settings):
        eventually(lambda: shop.try_to_order().status_code == 201)
        for order_id in orders:
            shop.wait_for(order_id, "completed")
        shop.verify()


def relay_to_nowhere(shop, nowhere):
    return process(sys.executable, "manage.py", "relay", **shop.settings | nowhere)


def test_orders_under_way_wait_for_the_database_and_finish(shop):
    orders = [shop.order() for _ in range(30)]
    with relay(**shop.settings), ExitStack() as started:
        eventually(lambda: not Parcel.objects.exists())
        with no_database_for_others():
            workers = worker(*QUEUES, concurrency=2, **shop.settings)
            hearing = started.enter_context(workers)
            eventually(lambda: hearing.log().count("waits for database") > 2)

        for order_id in orders:
            shop.wait_for(order_id, "completed", within=15)
        shop.verify()
    assert not Attempt.objects.exists()
    assert not DeadLetter.objects.exists()
    assert depth("dead.letter.queue") == 0


@contextmanager
def no_database_for_others():
    """Have PostgreSQL refuse everybody but this test."""
    name, ours = connection.settings_dict["NAME"], connection.connection
    wanted = ours.get_dsn_parameters() | {"dbname": "postgres"}
    wanted["password"] = connection.settings_dict["PASSWORD"]
    with closing(psycopg2.connect(**wanted)) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            cursor.execute(CUT_OFF, [name, ours.info.backend_pid])
            try:
                yield
            finally:
                cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


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
        assert len(who_ran("payments.tasks.open_payments")) == 2


def who_ran(task):
    """Return the workers that have run a task."""
    stats = current_app.control.inspect(timeout=2).stats()
    return [name for name, told in stats.items() if task in told["total"]]
