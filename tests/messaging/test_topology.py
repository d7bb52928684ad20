"""The topology page, without a broker."""

from functools import partial

import pytest
from celery import current_app
from django.conf import settings

from orders_project.messaging import topology
from orders_project.messaging.events import (
    NORMAL,
    URGENT,
    PaymentFailed,
    new_id,
)
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.topology import ANALYTICS_QUEUE, FAILED_ORDER_QUEUE
from tests import events

EXACTLY = {
    "inventory.queue": {
        "order.created",
        "payment.success",
        "payment.failed",
        "order.cancelled",
    },
    "payment.queue": {"inventory.reserved", "shipping.delivered", "order.cancelled"},
    "analytics.queue": {"order.analytics.#"},
    "failed.order.queue": {"order.failed.#"},
}


created = partial(
    events.created, method="cod", country="IN", category="Office Supplies"
)


@pytest.mark.parametrize(("name", "keys"), EXACTLY.items())
def test_a_queue_hears_exactly_what_the_flow_says(name, keys):
    (queue,) = [queue for queue in topology.QUEUES if queue.name == name]
    assert {key for _, key in topology.keys_of(queue)} == keys


def test_every_app_queue_is_bound_to_exactly_what_its_handlers_hear():
    """Audit, notifications and the aliases' queues are bound by pattern instead."""
    for queue in topology.CONSUMED:
        keys = {
            key
            for exchange, key in topology.keys_of(queue)
            if exchange.name == "order.exchange" and "#" not in key
        }
        if keys:
            assert keys == {kind for name, kind in HEARS if name == queue.name}


#: Of these the broker parks nothing: what expires there did not fail, nobody waits for
#: an old question, and a dead letter is parked already.
NOT_PARKED = {"email.queue", "sms.queue", "payment.rpc.queue", "dead.desk.queue"}


@pytest.mark.parametrize("queue", topology.CONSUMED, ids=lambda queue: queue.name)
def test_a_work_queue_dead_letters_to_the_parking_place_and_never_to_a_rung(queue):
    target = (queue.queue_arguments or {}).get("x-dead-letter-exchange")
    assert target == (None if queue.name in NOT_PARKED else "dead.exchange")


def test_an_order_is_heard_by_its_speed_its_market_and_its_readers():
    assert topology.aliases(created(priority=NORMAL)) == [
        "order.normal.created",
        "order.in.office_supplies",
        "order.analytics.created",
        "order.notification.created",
    ]
    assert topology.aliases(created(priority=URGENT))[0] == "order.priority.created"


def test_a_failure_is_heard_by_its_reason():
    failed = PaymentFailed(order_id=new_id(), reason="insufficient funds. really")
    assert topology.aliases(failed) == ["order.failed.insufficient_funds_really"]


def test_words_of_any_length_make_a_key_that_amqp_can_carry():
    of_words = created(category="\U0001f381" * 9_000, country="x" * 9_000)

    assert all(len(key.encode()) < 256 for key in topology.aliases(of_words))


def test_headers_tell_the_market():
    assert topology.headers(created()) == {
        "country": "IN",
        "category": "Office Supplies",
        "method": "cod",
        "priority": NORMAL,
    }


def test_what_beat_starts_is_a_task_of_ours_with_a_queue_of_its_own():
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in current_app.tasks
        queue = current_app.amqp.router.route({}, entry["task"])["queue"]
        assert queue in topology.TASK_ROUTES.values()
        # What expires in a work queue is parked: the desk would fill up with sweeps.
        assert "expires" not in entry.get("options", {})


@pytest.mark.parametrize("queue", [ANALYTICS_QUEUE, FAILED_ORDER_QUEUE])
def test_who_hears_by_an_alias_hears_also_what_is_sent_again(queue):
    [(_, pattern)] = topology.keys_of(queue)
    prefix = pattern.removesuffix("#")
    for kind, names in topology.ALIASES.items():
        again = topology.ALIASES_AGAIN.get(kind, ())
        assert any(one.startswith(prefix) for one in names) == any(
            one.startswith(prefix) for one in again
        )
