"""Orders that nobody pays in time end, and say so to everybody who must undo a part."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db.models import F

from orders import services, tasks
from orders.models import FailedOrder, Order
from orders_project.messaging import outbox
from orders_project.messaging.events import URGENT, OrderCancelled
from tests.bus import said
from tests.orders.conftest import paid


@pytest.fixture
def late(place, settings):
    """Place an order, and let it be a minute later than it may be paid."""
    settings.ORDER_EXPIRY_SECONDS = 3600

    def late(**fields):
        order = place(**fields)
        older = F("created_at") - timedelta(seconds=3660)
        Order.objects.filter(pk=order.pk).update(created_at=older)
        return order

    return late


def test_an_order_that_is_not_paid_in_time_is_cancelled_once(late):
    order = late(priority="urgent")

    assert tasks.expire() == "1 orders expired"
    assert tasks.expire() == "0 orders expired"

    order.refresh_from_db()
    assert (order.status, order.reason) == ("cancelled", "expired")
    (event,) = said(OrderCancelled)
    assert (event.order_id, event.reason, event.priority) == (
        str(order.id), "expired", URGENT,
    )  # fmt: skip
    assert event.time == order.cancelled_at


def test_it_is_on_the_desk_from_where_it_may_be_placed_again(late):
    late()
    tasks.expire()

    failure = FailedOrder.objects.get()
    assert failure.reason == "expired"
    assert services.place_again(failure).status == "pending"


def test_what_is_young_or_paid_at_the_door_or_done_does_not_expire(place, late):
    place()
    late(method="cod")
    services.cancel_order(late().id)

    assert tasks.expire() == "0 orders expired"


@pytest.mark.parametrize("hours", [-2, 2])
def test_an_order_is_as_old_as_the_database_says_however_wrong_the_clock_that_took_it(
    place, late, hours
):
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
        place()
        overdue = late()

    assert tasks.expire() == "1 orders expired"
    overdue.refresh_from_db()
    assert overdue.reason == "expired"


def test_who_has_paid_is_not_late_even_if_our_own_news_of_it_is(
    late, django_capture_on_commit_callbacks
):
    order = late()
    with django_capture_on_commit_callbacks():
        outbox.append(paid(order))

    assert tasks.expire() == "0 orders expired"


def test_without_a_limit_an_order_waits_for_ever(late, settings):
    late()
    settings.ORDER_EXPIRY_SECONDS = None
    assert tasks.expire() == "0 orders expired"
