"""F7 on paper: every message comes three times, late, and in any order.

`bin/faults F7` does the same to real processes and a real broker.
"""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from orders.models import Order
from orders.pricing import Item, NewOrder
from orders_project.messaging import envelope, packing, relay
from orders_project.messaging.worker import pace
from tests.faults.client import MIX
from tests.faults.house import House
from tests.faults.paper import work
from tests.faults.sizes import size

ORDERS = size(usual=500, nightly=10_000)
ENDS = {"tok_ok": "completed"}


@pytest.fixture(params=[0, 0.0001])
def house(request, on_paper, monkeypatch, settings):
    settings.CARRIER_DELIVERY_SECONDS = request.param
    monkeypatch.setattr(packing, "HANDFUL", 1000)
    monkeypatch.setattr(packing, "GRIP", 1000)
    monkeypatch.setattr(envelope, "MAX_EVENTS", 10)
    monkeypatch.setattr(pace, "of", lambda _queue: pace.Pace(events=10))
    house = House()
    house.open(TEAPOT=ORDERS)
    yield house
    house.close()


def test_what_comes_three_times_in_any_order_is_done_once(house):
    chance = Random(7)
    post = UnsteadyPost(house.broker, chance)
    mix = chance.choices([*MIX], [*MIX.values()], k=ORDERS)
    house.place(*(an_order(*one) for one in mix))
    while post.deliver_some() or post.let_return():
        pass

    # And what had to wait on a rung, which is told from others by nothing, once more.
    assert post.delivered >= 3 * post.tripled > 3 * ORDERS
    expected = Counter(ENDS.get(token, "cancelled") for _, token in mix)
    assert Counter(Order.objects.values_list("status", flat=True)) == expected


def an_order(method, token):
    return NewOrder(
        items=[Item(sku="TEAPOT")], method=method, payment_token=token, email="a@b.cd"
    )


class UnsteadyPost:
    """Copies what it sees for the first time, and keeps half of all for later."""

    def __init__(self, broker, chance):
        self.broker, self.chance = broker, chance
        self.seen, self.tripled, self.delivered = set(), 0, 0

    def deliver_some(self):
        while relay.carry(self.broker):
            pass
        self.copy_what_is_new()
        ready = self.broker.ready
        some = self.chance.sample(ready, (len(ready) + 1) // 2)
        for batch in batches(some):
            work(batch)
            self.broker.acknowledge(batch)
        self.delivered += len(some)
        return len(some)

    def copy_what_is_new(self):
        for one in self.broker.ready:
            if name_of(one) not in self.seen:
                self.seen.add(name_of(one))
                self.broker.copies += [replace(one), replace(one)]
                self.tripled += 1

    def let_return(self):
        """Let what came too early come again, once nothing else is on its way."""
        self.broker.expire()
        return self.broker.ready


def name_of(copy):
    """Tell messages apart, in each queue for itself; a step's copies send one more."""
    return copy.queue, copy.headers.get("id") or copy.properties.get("message_id")


def batches(copies):
    """Yield events by their queue, twenty at a time, and each task alone."""
    yield from ([one] for one in copies if one.is_task)
    events = [one for one in copies if not one.is_task]
    for queue in dict.fromkeys(one.queue for one in events):
        alike = [one for one in events if one.queue == queue]
        yield from (alike[start : start + 20] for start in range(0, len(alike), 20))
