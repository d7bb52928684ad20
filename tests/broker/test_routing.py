"""Every kind of exchange at its work, on the live broker."""

import json
from functools import partial

import pytest
from celery import signature
from django.db import transaction
from django.utils import timezone

from orders_project.messaging import outbox, relay
from orders_project.messaging.events import (
    URGENT,
    OrderPaid,
    PaymentFailed,
    new_id,
)
from orders_project.messaging.models import Parcel
from tests import events

created = partial(events.created, method="cod", country="IN", category="Electronics")


def say(broker, *events):
    with transaction.atomic():
        outbox.append(*events)
    while relay.carry(broker.publisher):
        pass


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ("order.normal.*", created()),
        ("order.priority.#", created(priority=URGENT)),
        ("order.in.electronics", created()),
        ("order.analytics.*", created()),
        ("order.notification.*", created()),
        ("order.failed.#", PaymentFailed(order_id=new_id(), reason="declined")),
        ("order.created", created()),
        ("#", created()),
    ],
)
def test_an_event_is_heard_under_each_of_its_names_and_once(broker, pattern, event):
    queue = broker.listen("order.exchange", pattern)
    say(broker, event)

    (heard,) = json.loads(broker.take(queue).body)
    assert heard["id"] == event.id
    assert broker.is_empty(queue)


def test_a_normal_order_is_not_heard_as_an_urgent_one(broker):
    queue = broker.listen("order.exchange", "order.priority.#")
    say(broker, created())

    assert broker.is_empty(queue)


def test_the_fanout_gives_every_order_event_to_mail_and_to_sms(broker):
    say(broker, event := OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))

    for queue in ("email.queue", "sms.queue"):
        assert event.id in broker.take(queue).body


def test_the_audit_hears_every_app(broker):
    say(broker, created(), PaymentFailed(order_id=new_id(), reason="declined"))

    heard = [broker.take("audit.queue").routing_key for _ in range(2)]
    assert sorted(heard) == ["order.created", "payment.failed"]


def test_a_partner_subscribes_to_a_market_by_headers(broker):
    wanted = {"x-match": "all", "country": "IN", "method": "cod"}
    queue = broker.listen("market.exchange", **wanted)
    other = broker.listen("market.exchange", **wanted | {"country": "US"})
    say(broker, event := created())

    assert event.id in broker.take(queue).body
    assert broker.is_empty(other)


def test_an_unknown_routing_key_is_caught_by_the_alternate_exchange(broker):
    broker.send("order.exchange", "parcel.lost", "{}")

    assert broker.take("unrouted.queue").routing_key == "parcel.lost"


def test_the_direct_exchange_leads_a_payment_to_the_queue_of_its_method(broker):
    broker.send("payment.exchange", "cod", "{}")

    assert broker.take("payment.cod.queue").exchange == "payment.exchange"
    assert broker.is_empty("payment.prepaid.queue")


def test_messages_survive_the_broker_and_say_what_they_are(broker):
    queue = broker.listen("order.exchange", "order.created")
    say(broker, created(priority=URGENT))

    properties = broker.take(queue).properties
    assert properties["delivery_mode"] == 2
    assert properties["priority"] == URGENT
    assert properties["type"] == "order.created"
    assert properties["app_id"] == "orders"
    assert properties["content_type"] == "application/cloudevents-batch+json"


def test_under_load_events_travel_five_hundred_to_a_message(broker):
    queue = broker.listen("order.exchange", "order.paid")
    events = [
        OrderPaid(order_id=new_id(), total_cents=1, currency="USD") for _ in range(1200)
    ]
    say(broker, *events)

    messages = [json.loads(broker.take(queue).body) for _ in range(3)]
    assert [len(message) for message in messages] == [500, 500, 200]
    heard = [event["id"] for message in messages for event in message]
    assert heard == [event.id for event in events]
    assert not Parcel.objects.exists()


def test_urgent_events_leave_first_and_overtake_in_the_queue(broker):
    normal = [created() for _ in range(30)]
    say(broker, *normal)
    say(broker, urgent := created(priority=URGENT))

    (first,) = json.loads(broker.take("inventory.queue").body)
    assert first["id"] == urgent.id


def test_a_message_that_no_queue_takes_is_kept_and_its_neighbours_go(broker):
    with transaction.atomic():
        outbox.append(OrderPaid(order_id=new_id(), total_cents=1, currency="USD"))
        Parcel.objects.create(
            exchange="task.exchange", routing_key="nobody", priority=1, body="{}"
        )
    relay.carry(broker.publisher)

    kept = Parcel.objects.get()
    assert kept.routing_key == "nobody"
    assert kept.due > timezone.now()


def test_what_is_due_later_stays_until_then(broker):
    with transaction.atomic():
        step = signature("payments.tasks.capture", args=([new_id()],))
        outbox.send_task(step, after=3600)

    assert relay.carry(broker.publisher) == 0
    assert Parcel.objects.count() == 1
