"""The figures: the same whatever arrives when and how often, and made anew at will."""

import random
from datetime import timedelta
from io import StringIO

import msgspec
import pytest
from django.core.management import CommandError, call_command

from audit import analytics
from audit.models import OrderFact
from orders_project.messaging.events import OrderCancelled, OrderPaid
from orders_project.messaging.models import Work
from orders_project.messaging.topology import ANALYTICS_QUEUE
from tests.audit.conftest import NOON, say, story
from tests.bus import hear

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
RANGE = (NOON, NOON + HOUR)


def at(events, *minutes):
    """Return the events as if they had happened so many minutes after noon."""
    return [
        msgspec.structs.replace(event, time=NOON + timedelta(minutes=minute))
        for event, minute in zip(events, minutes, strict=True)
    ]


def facts():
    return list(OrderFact.objects.order_by("order_id").values())


def test_an_order_s_milestones_become_one_row():
    events = at(story(), 0, 1, 3, 6)

    hear(ANALYTICS_QUEUE, *events)

    fact = OrderFact.objects.get()
    assert fact.created_at == NOON
    assert fact.completed_at == NOON + timedelta(minutes=6)
    assert (fact.total_cents, fact.country, fact.method) == (3998, "LK", "prepaid")
    assert fact.cancelled_at is None


def test_arrival_and_copies_do_not_matter():
    events = [event for end in (None, OrderCancelled) for event in story(end)]
    hear(ANALYTICS_QUEUE, *events)
    before = facts()
    OrderFact.objects.all().delete()

    for event in random.Random(3).sample(events * 2, len(events) * 2):
        hear(ANALYTICS_QUEUE, event)

    assert facts() == before


def test_orders_revenue_and_failures_are_counted_by_the_hour_they_happened_in():
    hear(ANALYTICS_QUEUE, *at(story(), 5, 10, 61, 70))
    hear(ANALYTICS_QUEUE, *at(story(OrderCancelled), 6, 7, 59))

    assert analytics.orders_by_hour(*RANGE) == [(NOON, 2, 2, 1)]
    assert analytics.revenue_by_hour(*RANGE) == [(NOON, "USD", 1, 3998)]
    assert analytics.failures_by_hour(*RANGE) == [(NOON, "customer", 1)]
    assert analytics.orders_by_hour(NOON + HOUR, NOON + 2 * HOUR) == []


def test_an_order_created_in_one_hour_and_paid_in_the_next_counts_in_both():
    hear(ANALYTICS_QUEUE, *at(story(), 59, 61, 62, 63))

    assert analytics.orders_by_hour(NOON, NOON + 2 * HOUR) == [
        (NOON, 1, 0, 0),
        (NOON + HOUR, 0, 1, 0),
    ]


def test_the_time_in_each_stage_is_told_in_seconds():
    hear(ANALYTICS_QUEUE, *at(story(), 0, 1, 3, 6))
    hear(ANALYTICS_QUEUE, *at(story(), 0, 2, 4, 7))

    paid, shipped, completed = analytics.stages(*RANGE)
    assert paid == ("created to paid", 2, 90.0, 90.0, 117.0)
    assert shipped[:3] == ("paid to shipped", 2, 120.0)
    assert completed[:3] == ("shipped to completed", 2, 180.0)


def test_cash_on_delivery_has_no_time_from_paid_to_shipped():
    hear(ANALYTICS_QUEUE, *at(story(), 0, 30, 2, 31))

    assert "paid to shipped" not in [one.name for one in analytics.stages(*RANGE)]


def test_retries_are_counted_by_hour_and_queue():
    Work.objects.create(queue="payment.queue", at=NOON, outcome="retried", events=3)
    Work.objects.create(queue="payment.queue", at=NOON, outcome="handled", events=9)

    assert analytics.retries_by_hour(*RANGE) == [(NOON, "payment.queue", 3)]


def test_rebuilding_from_the_log_gives_the_same_figures():
    events = [event for _ in range(7) for event in story()]
    say(*events)
    hear(ANALYTICS_QUEUE, *events)
    before = facts()
    OrderFact.objects.update(total_cents=1, paid_at=NOON)

    call_command("rebuild_analytics", stdout=(out := StringIO()))

    assert facts() == before
    assert "The figures of 7 orders were made anew." in out.getvalue()


def test_rebuilding_leaves_orders_alone_whose_events_are_no_longer_kept():
    hear(ANALYTICS_QUEUE, *story())
    before = facts()

    call_command("rebuild_analytics", stdout=StringIO())

    assert facts() == before


def test_the_command_prints_every_table():
    hear(ANALYTICS_QUEUE, *story())

    call_command("analytics", hours=1, stdout=(out := StringIO()))

    for title in ("Orders", "Revenue", "Failures", "Retries", "Time in each stage"):
        assert title in out.getvalue()


@pytest.mark.parametrize("hours", ["0", "-1", "x", "1.5", "99999999"])
def test_what_is_no_number_of_hours_is_refused_by_the_option_s_name(hours):
    with pytest.raises(CommandError, match="--hours"):
        call_command("analytics", f"--hours={hours}")


def test_a_payment_before_its_order_is_kept_until_the_order_comes():
    first, paid, *_ = story()

    hear(ANALYTICS_QUEUE, paid)
    hear(ANALYTICS_QUEUE, first)

    fact = OrderFact.objects.get()
    assert fact.created_at
    assert fact.paid_at
    assert isinstance(paid, OrderPaid)
