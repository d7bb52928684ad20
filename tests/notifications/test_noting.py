"""One message for each milestone and channel, whatever arrives how often and when."""

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Notification, Recipient
from notifications.services import DUE_AGAIN
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Parcel
from orders_project.messaging.topology import EMAIL_QUEUE, NOTIFICATION_TASKS, SMS_QUEUE
from tests.bus import hear
from tests.notifications.conftest import Order
from tests.notifications.rows import plan_of

pytestmark = pytest.mark.django_db


def noted(order, channel="email"):
    rows = Notification.objects.filter(order_id=order.id, channel=channel)
    return dict(rows.values_list("milestone", "status"))


def test_every_milestone_is_noted_once_for_each_channel(order):
    for event in (order.created(), order.paid(), order.shipped(), order.completed()):
        hear(EMAIL_QUEUE, event)
        hear(SMS_QUEUE, event)

    for channel in ("email", "sms"):
        assert noted(order, channel) == dict.fromkeys(
            ("created", "paid", "confirmed", "shipped", "completed"), "pending"
        )


def test_hearing_everything_twice_notes_nothing_twice(order):
    events = [order.created(), order.paid(), order.shipped()]

    hear(EMAIL_QUEUE, *events, *events)
    hear(EMAIL_QUEUE, *events)

    assert Notification.objects.count() == 4
    assert Recipient.objects.count() == 1


def test_a_duplicate_starts_no_second_delivery(order):
    event = order.created()
    hear(EMAIL_QUEUE, event)
    parcels = Parcel.objects.count()

    hear(EMAIL_QUEUE, event)

    assert Parcel.objects.count() == parcels


@pytest.mark.parametrize("clock", [timedelta(hours=1), timedelta(hours=-1)])
def test_the_confirmation_is_due_some_seconds_after_the_payment_whatever_the_clocks_say(
    order, settings, clock
):
    settings.CONFIRMATION_DELAY_SECONDS = 5
    before = utc_now()

    hear(EMAIL_QUEUE, order.paid(time=before + clock))

    row = Notification.objects.get(milestone="confirmed")
    assert timedelta(seconds=5) <= row.due - before < timedelta(minutes=1)
    assert Parcel.objects.filter(due__gte=row.due).count() == 1


@pytest.mark.parametrize("paid_first", [True, False])
def test_a_cancelled_order_is_not_confirmed(order, paid_first):
    paid, cancelled = order.paid(), order.cancelled()

    for event in (paid, cancelled) if paid_first else (cancelled, paid):
        hear(EMAIL_QUEUE, event)

    assert noted(order) == {
        "paid": "pending",
        "confirmed": "withdrawn",
        "cancelled": "pending",
    }


@pytest.mark.parametrize("batch", list(itertools.permutations(range(3))))
def test_paid_and_cancelled_in_one_batch_is_not_confirmed_either(order, batch):
    events = [order.created(), order.paid(), order.cancelled()]

    hear(EMAIL_QUEUE, *(events[number] for number in batch))

    assert noted(order)["confirmed"] == "withdrawn"


@pytest.mark.parametrize(
    ("before", "after"), [("sent", "sent"), ("failed", "withdrawn")]
)
def test_a_cancellation_withdraws_what_did_not_go_out(order, before, after):
    hear(EMAIL_QUEUE, order.paid())
    Notification.objects.filter(milestone="confirmed").update(status=before)

    hear(EMAIL_QUEUE, order.cancelled())

    assert noted(order)["confirmed"] == after


@pytest.mark.parametrize("batch", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("alone", [False, True])
def test_what_is_paid_at_the_door_is_not_confirmed_after_it(order, batch, alone):
    said = order.created(method="cod"), order.shipped(), order.paid(), order.completed()
    events = [said[number] for number in batch]
    for part in [[event] for event in events] if alone else [events]:
        hear(EMAIL_QUEUE, *part)

    assert noted(order).pop("confirmed") == "withdrawn"
    assert list(noted(order).values()).count("pending") == 4


def test_a_batch_costs_the_same_statements_whatever_its_size():
    counts = [statements(size) for size in (1, 50)]

    assert counts[0] == counts[1]


def statements(size):
    orders = [Order() for _ in range(size)]
    events = [order.created() for order in orders] + [order.paid() for order in orders]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        hear(EMAIL_QUEUE, *events)
    return len(captured)


def test_who_left_no_address_is_skipped_at_once(order):
    hear(EMAIL_QUEUE, order.created(email=""), order.paid())

    assert set(noted(order).values()) == {"skipped"}
    assert not Parcel.objects.filter(routing_key=NOTIFICATION_TASKS.name).exists()


def test_a_payment_is_noted_before_the_address_is_known(order):
    hear(EMAIL_QUEUE, order.paid())

    assert noted(order)["paid"] == "pending"


def test_of_all_that_is_pending_only_what_a_new_order_left_is_read():
    hear(EMAIL_QUEUE, *(Order().created() for _ in range(200)))
    plan = plan_of(DUE_AGAIN, "{}", 900)

    assert "notified_once" in plan
    assert "notification_due" not in plan
