import itertools
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders import lifecycle, services, tasks
from orders.models import Order
from orders.pricing import Item, NewOrder
from orders_project.messaging.events import (
    OrderCancelled,
    OrderCompleted,
    OrderPaid,
    OrderShipped,
    PaymentFailed,
    StockRanOut,
    new_id,
)
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.rows import before
from orders_project.messaging.topology import FAILED_ORDER_QUEUE, ORDER_QUEUE, keys_of
from tests.bus import hear, said
from tests.orders.conftest import delivered, paid, prepared


def ran_out(order):
    return StockRanOut(order_id=str(order.id), skus=("TEAPOT",))


def declined(order):
    return PaymentFailed(order_id=str(order.id), reason="declined")


MOVES = {
    "cancel_orders": lambda order: services.cancel_orders([ran_out(order)]),
    "cancel_order": lambda order: services.cancel_order(order.id),
    "sweep": lambda order: services.nudge_idle_orders(),
    "expire": lambda order: services.expire_orders(),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("move", MOVES)
def test_an_order_is_not_kept_waiting_by_what_refers_to_it(place, settings, move):
    """What a foreign key's check locks: PostgreSQL's manual, 13.3.2."""
    settings.SWEEP_IDLE_SECONDS = settings.ORDER_EXPIRY_SECONDS = 0
    order = place()
    other = connections.create_connection("default")
    with closing(other), other.cursor() as cursor:
        other.set_autocommit(False)
        cursor.execute("SELECT FROM orders_order FOR KEY SHARE")
        with transaction.atomic(), connection.cursor() as ours:
            ours.execute("SET LOCAL lock_timeout = '300ms'")
            MOVES[move](order)
        other.rollback()
    moved = Order.objects.get()
    assert moved.nudges == 1 if move == "sweep" else moved.status == "cancelled"


def test_a_prepaid_order_is_paid_then_shipped_then_completed(order, happens):
    assert happens(order, paid).status == "paid"
    assert happens(order, prepared).status == "shipped"
    assert happens(order, delivered).status == "completed"
    kinds = [event.type for event in said()]
    assert kinds == ["order.created", "order.paid", "order.shipped", "order.completed"]


def test_each_event_names_its_cause(order, happens):
    payment = paid(order)
    happens(order, lambda _: payment)
    assert said(OrderPaid)[0].cause == payment.id


def test_an_order_paid_at_the_door_is_shipped_first(place, happens):
    order = place(method="cod")
    assert happens(order, prepared).status == "shipped"
    assert happens(order, delivered).status == "shipped"
    done = happens(order, paid)
    assert done.status == "completed"
    assert None not in (done.paid_at, done.shipped_at, done.delivered_at)
    assert said(OrderPaid)
    assert said(OrderCompleted)


@pytest.mark.parametrize(
    ("failure", "reason"), [(ran_out, "out_of_stock"), (declined, "declined")]
)
def test_a_failure_cancels_the_order_and_says_why(order, happens, failure, reason):
    cancelled = happens(order, failure)
    assert (cancelled.status, cancelled.reason) == ("cancelled", reason)
    assert cancelled.cancelled_at
    assert said(OrderCancelled)[0].reason == reason


def test_a_cancelled_order_is_not_shipped(order, happens):
    services.cancel_order(order.id)
    assert happens(order, paid, prepared, delivered).status == "cancelled"
    assert not said(OrderPaid, OrderShipped, OrderCompleted)


def test_the_same_news_twice_changes_nothing(order, happens):
    happens(order, paid, paid, prepared, prepared, delivered, delivered)
    assert len(said(OrderPaid, OrderShipped, OrderCompleted)) == 3


def test_the_same_news_twice_in_one_batch_is_said_once(order):
    hear(ORDER_QUEUE, paid(order), paid(order))
    assert len(said(OrderPaid)) == 1


def test_a_shipment_before_the_payment_is_known_waits(order, happens, rungs):
    assert happens(order, prepared).status == "pending"
    assert len(rungs.to("retry.5s")) == 1


def test_a_delivery_before_the_shipment_is_known_waits(order, happens, rungs):
    happens(order, paid, delivered)
    assert len(rungs.to("retry.5s")) == 1


def test_one_early_order_does_not_hold_up_its_batch(place, happens, rungs):
    early, ready = place(), place()
    happens(ready, paid)
    hear(ORDER_QUEUE, prepared(early), prepared(ready))
    assert Order.objects.get(pk=ready.pk).status == "shipped"
    assert len(rungs) == 1


def test_an_order_that_is_not_ours_is_parked_with_a_reason(order, rungs):
    hear(ORDER_QUEUE, paid(SimpleNamespace(id=new_id(), total_cents=1, method="cod")))
    assert "There is no order" in rungs.dead[0]


def test_a_batch_of_a_hundred_takes_as_many_statements_as_one(catalogue):
    orders = services.place_orders(
        [NewOrder(items=[Item(sku="TEAPOT")]) for _ in range(101)]
    )

    def statements(some):
        with CaptureQueriesContext(connection) as queries:
            hear(ORDER_QUEUE, *(paid(order) for order in some))
        return len(queries)

    assert statements(orders[:1]) == statements(orders[1:])


def test_the_queues_bindings_are_exactly_what_is_heard():
    bound = {key for _, key in keys_of(ORDER_QUEUE)}
    assert bound == {kind for queue, kind in HEARS if queue == ORDER_QUEUE.name}
    assert {kind for queue, kind in HEARS if queue == FAILED_ORDER_QUEUE.name} == {
        "inventory.out_of_stock",
        "payment.failed",
    }
    assert tasks.record_failures.name == "orders.tasks.record_failures"


def test_a_terminal_status_leads_nowhere():
    assert lifecycle.TERMINAL == ("completed", "cancelled")
    assert before(lifecycle.MOVES, "cancelled") == ["pending", "paid"]


STEPS = {"paid": paid, "prepared": prepared, "delivered": delivered, "no": declined}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(news=st.lists(st.sampled_from(sorted(STEPS)), max_size=9))
def test_whatever_comes_in_whatever_order_every_move_is_a_legal_one(
    place, happens, news
):
    order = place()
    seen = ["pending", *(happens(order, STEPS[name]).status for name in news)]
    moves = [(a, b) for a, b in itertools.pairwise(seen) if a != b]
    assert all(b in lifecycle.MOVES[a] for a, b in moves)
