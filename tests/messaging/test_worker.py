"""How a worker lives with its broker."""

import json
from types import SimpleNamespace

import pytest
from celery import chain, current_app, signature
from celery.bootsteps import RUN
from django.db import transaction
from kombu import Connection

from orders_project.messaging import envelope, gathering, outbox
from orders_project.messaging.batch import divide, steps_together
from orders_project.messaging.events import (
    URGENT,
    DeliveryConfirmed,
    OrderShipped,
    ShipmentDelivered,
    ShipmentPrepared,
    new_id,
)
from orders_project.messaging.gathering import Gathering
from orders_project.messaging.hearing import PARK
from orders_project.messaging.models import Parcel
from orders_project.messaging.sorting import sort_out
from orders_project.messaging.topology import PATIENCE
from orders_project.messaging.worker import EventConsumer

LONG = 120


class TooLongError(Exception):
    """It would have gone on for ever."""


def test_a_worker_looks_for_its_broker_every_few_seconds(monkeypatch):
    tries, slept = [], []

    def sleep(seconds):
        slept.append(seconds)
        if sum(slept) > LONG:
            raise TooLongError

    def refuse():
        tries.append(len(slept))
        raise ConnectionRefusedError

    broker = Connection("amqp://nowhere.example//")
    monkeypatch.setattr("kombu.utils.functional.sleep", sleep)
    monkeypatch.setattr(broker, "_connection_factory", refuse)
    with pytest.raises(TooLongError):
        worker().ensure_connected(broker)

    assert len(tries) > LONG / 6


def worker():
    """Make a consumer as Celery would, but for what needs a broker."""
    consumer = object.__new__(EventConsumer)
    consumer.app = current_app
    consumer.first_connection_attempt = False
    consumer.broker_connection_retry_attempt = 0
    return consumer


def step_message(*ids, then=(), priority=1, **headers):
    """Make a waiting message as Celery writes it: the first step of a chain."""
    first, *rest = (
        signature(f"payments.tasks.{name}") for name in ("authorise", *then)
    )
    with transaction.atomic():
        outbox.send_task(chain(first.clone(args=(list(ids),)), *rest))
    parcel = Parcel.objects.order_by("-id").first()
    message = SimpleNamespace(
        body=parcel.body.encode(),
        payload=json.loads(parcel.body),
        headers=json.loads(parcel.headers) | headers,
        properties={"priority": priority},
        delivery_info={"redelivered": False},
    )
    return sort_out("payment.prepaid.queue", message)


def batches(*waiting):
    while waiting:
        batch, waiting = divide(waiting)
        args, _kwargs, embed = steps_together(batch).get(
            "body", batch[0].message.payload
        )
        yield args[0], [step["task"] for step in embed["chain"] or ()]


@pytest.mark.django_db
def test_steps_that_go_on_alike_run_as_one_with_the_ids_of_all():
    one, other = (
        step_message("a", then=["capture"]),
        step_message("b", then=["capture"]),
    )
    again = step_message("a", then=["capture"])

    assert list(batches(one, other, again)) == [
        (["a", "b"], ["payments.tasks.capture"])
    ]


@pytest.mark.django_db
def test_steps_that_go_on_otherwise_or_have_a_story_run_alone():
    plain, longer = step_message("a"), step_message("b", then=["capture"])
    tried = step_message("c", **{"x-attempt": 1})
    urgent = step_message("d", priority=URGENT)

    ran = [ids for ids, _ in batches(plain, longer, tried, urgent)]
    assert ran == [["d"], ["a"], ["b"], ["c"]]


def test_no_event_overtakes_an_older_one_of_its_order():
    waiting = [delivered("a"), prepared("b"), delivered("b"), delivered("c")]

    assert about(waiting) == [[b'"a"', b'"c"'], [b'"b"'], [b'"b"']]


def test_what_another_queue_of_the_same_worker_brings_holds_nothing_up():
    audit, sums = (
        arrived(queue, OrderShipped(order_id=order_id, tracking=""))
        for queue, order_id in (("audit.queue", "a"), ("analytics.queue", "b"))
    )
    later = arrived("audit.queue", ShipmentDelivered(order_id="b"))

    assert about([audit, sums, later]) == [[b'"a"', b'"b"'], [b'"b"']]


def test_a_batch_ends_at_the_first_message_that_does_not_fit():
    many, small = envelope.MAX_EVENTS * 2 // 3, 1
    waiting = [of_events(number) for number in (many, many, small)]

    assert list(sizes(waiting)) == [[many], [many, small]]


def of_events(number):
    return delivered(new_id())._replace(events=number)


def sizes(waiting):
    while waiting:
        batch, waiting = divide(waiting)
        yield [one.events for one in batch]


def prepared(order_id):
    return arrived(
        "order.queue", ShipmentPrepared(order_id=order_id, carrier="", tracking="")
    )


def delivered(order_id):
    return arrived("order.queue", ShipmentDelivered(order_id=order_id))


def about(waiting):
    """Return the orders of each batch."""
    found = []
    while waiting:
        batch, waiting = divide(waiting)
        found.append([order for one in batch for order in one.orders])
    return found


class Hub:
    """Celery's loop, without time: what is due at once, and what is for later."""

    def __init__(self):
        self.soon, self.later = [], []

    def call_soon(self, what):
        self.soon.append(what)

    def call_later(self, seconds, what):
        self.later.append((seconds, what))

    def turn(self):
        while self.soon:
            self.soon.pop(0)()


def nothing_to_read(**_timeout):
    raise TimeoutError


class Idle(Gathering):
    """A gathering whose worker is idle, and that notes what it would run."""

    def __init__(self, monkeypatch, lost=()):
        super().__init__(
            SimpleNamespace(
                hub=Hub(),
                connection=SimpleNamespace(drain_events=nothing_to_read),
                blueprint=SimpleNamespace(state=RUN),
                pool=SimpleNamespace(num_processes=1),
                initial_prefetch_count=16,
            ),
            lost,
        )
        self.now, self.ran = 1000.0, []
        monkeypatch.setattr(gathering, "monotonic", lambda: self.now)

    def submit(self, batch):
        self.ran.append(len(batch))

    def hear(self, queue, kind, **properties):
        body = b'[{"type":"%s","order_id":"1"}]' % kind.encode()
        message = SimpleNamespace(
            body=body, headers={}, properties=properties, delivery_info={}
        )
        self.add(queue, message)
        self.consumer.hub.turn()

    def wait(self, seconds):
        self.now += seconds
        for _, what in self.consumer.hub.later:
            what()
        self.consumer.hub.turn()


def test_what_somebody_waits_for_runs_as_soon_as_a_worker_is_free(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear("inventory.queue", "order.created")
    assert idle.ran == [1]


def test_records_of_an_order_wait_a_moment_for_one_another(monkeypatch):
    idle = Idle(monkeypatch)
    idle.hear("audit.queue", "order.created")
    idle.hear("audit.queue", "inventory.reserved")
    assert idle.ran == []

    idle.wait(PATIENCE["audit.queue"])
    assert idle.ran == [2]


def test_nothing_waits_for_more_than_the_broker_would_deliver(monkeypatch):
    idle = Idle(monkeypatch)
    for _ in range(16):
        idle.hear("audit.queue", "order.created")
    assert idle.ran == [16]


def test_what_an_outage_stops_after_a_reconnect_is_left_to_the_broker(monkeypatch):
    before, now = Idle(monkeypatch), Idle(monkeypatch)
    before.consumer.gathering = now
    before.give_back(["a batch of the connection that is gone"])

    assert before.waiting == []


def test_what_was_in_hand_when_the_connection_was_lost_is_no_death(monkeypatch):
    before = Idle(monkeypatch)
    for name in ("in hand", "acknowledged"):
        before.hear("audit.queue", "order.created", message_id=name)
    before.done(before.waiting[1:])

    now = Idle(monkeypatch, lost=before.in_hand)
    for name in ("in hand", "acknowledged", "of another worker", "in hand"):
        now.hear("audit.queue", "order.created", message_id=name)
    assert [one.wire.held for one in now.waiting] == [True, False, False, False]


def test_what_comes_after_its_consumer_was_cancelled_has_no_queue(monkeypatch):
    idle = Idle(monkeypatch)
    idle.consumer.task_consumer = SimpleNamespace(_active_tags={"order.queue": "1"})
    late, known = (
        SimpleNamespace(delivery_info={"consumer_tag": tag}) for tag in ("2", "1")
    )

    assert [idle.queue_of(one) for one in (late, known)] == ["", "order.queue"]


def test_what_nothing_can_be_made_of_is_parked_and_ends_no_worker(monkeypatch):
    def glance(_body):
        raise LookupError("a codec nobody has")

    monkeypatch.setattr(envelope, "glance", glance)
    message = SimpleNamespace(body=b"{}", headers={}, properties={}, delivery_info={})
    waiting = sort_out("order.queue", message)

    assert waiting.task == PARK
    assert "a codec nobody has" in waiting.extra[0]


def test_what_a_newer_release_hears_is_parked_and_not_let_go():
    """Its worker shares the queue, and has bound it already: it would be lost."""
    waiting = arrived("inventory.queue", OrderShipped(order_id=new_id(), tracking=""))

    assert waiting.task == PARK
    assert "does not hear 'order.shipped' on inventory.queue" in waiting.extra[0]


def test_what_a_wide_binding_brings_and_nobody_wants_is_let_go():
    assert arrived("email.queue", DeliveryConfirmed(order_id=new_id())) is None


def arrived(queue, event):
    body = envelope.encode(event).encode()
    message = SimpleNamespace(body=body, headers={}, properties={}, delivery_info={})
    return sort_out(queue, message)
