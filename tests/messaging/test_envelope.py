"""CloudEvents on the wire."""

import json

import pytest

from orders_project.messaging import envelope
from orders_project.messaging.errors import Poison
from orders_project.messaging.events import APPS, EVENTS, URGENT, OrderCancelled, new_id
from tests.texts import DEEP


@pytest.fixture
def event():
    return OrderCancelled(
        order_id=new_id(),
        reason="customer",
        cause=new_id(),
        priority=URGENT,
        trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


def changed(event, **attributes):
    seen = json.loads(envelope.encode(event)) | attributes
    return json.dumps({k: v for k, v in seen.items() if v is not None}).encode()


def test_an_event_comes_back_as_it_went(event):
    assert envelope.decode(envelope.encode(event).encode()) == event


def test_it_is_a_cloud_event_that_any_language_can_read(event):
    seen = json.loads(envelope.encode(event))

    assert seen["specversion"] == "1.0"
    assert seen["source"] == "/orders"
    assert seen["subject"] == event.order_id
    assert seen["dataschema"] == "/schemas/order.cancelled/1"
    assert seen["causationid"] == event.cause
    assert seen["data"] == {"reason": "customer"}


def test_an_attribute_nobody_here_knows_does_no_harm(event):
    assert envelope.decode(changed(event, partition="7")) == event


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"specversion": "0.3"}, "not a CloudEvent"),
        ({"id": None}, "not a CloudEvent.*`id`"),
        ({"type": "order.eaten"}, "'order.eaten' is unknown"),
        ({"dataschema": "/schemas/order.cancelled/2"}, "has version '2'"),
        ({"subject": None}, "not a CloudEvent.*`subject`"),
        ({"subject": "123"}, "names the order and must be a UUID"),
        ({"id": "123"}, "names the event and must be a UUID"),
        ({"data": {"reason": 7}}, "data of order.cancelled is wrong.*reason"),
        ({"data": {}}, "data of order.cancelled is wrong.*reason"),
        ({"priority": 300}, "not a CloudEvent.*<= 5.*priority"),
        ({"priority": -1}, "not a CloudEvent.*>= 0.*priority"),
    ],
)
def test_what_is_wrong_with_an_event_is_said_in_words(event, attributes, reason):
    with pytest.raises(Poison, match=reason):
        envelope.decode(changed(event, **attributes))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1]", b"pickle\x80", b"7"])
def test_what_is_no_event_at_all_is_poison(body):
    with pytest.raises(Poison, match="not JSON with CloudEvents"):
        envelope.glance(body)


@pytest.mark.parametrize("read", [envelope.glance, envelope.split, envelope.decode])
def test_what_is_nested_too_deep_is_poison_too(read):
    with pytest.raises(Poison, match="recursion"):
        read(DEEP.encode())


def test_a_message_that_is_too_large_is_not_even_read():
    with pytest.raises(Poison, match="1048577 bytes; 1048576 are allowed"):
        envelope.glance(b" " * (envelope.MAX_BYTES + 1))


def test_a_message_may_hold_one_event_or_an_array(event):
    one = envelope.encode(event)

    [seen] = envelope.glance(one.encode())
    assert (seen.type, bytes(seen.subject)) == (
        event.type,
        f'"{event.order_id}"'.encode(),
    )
    assert envelope.split(one.encode()) == [one.encode()]
    assert envelope.split(envelope.batch([one, one]).encode()) == [one.encode()] * 2


def test_every_event_type_is_listed_under_its_own_name():
    assert all(kind.type == name for name, kind in EVENTS.items())
    assert {kind.app() for kind in EVENTS.values()} <= set(APPS.values())
