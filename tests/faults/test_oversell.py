"""F12: more buyers than units, and eight workers at once: every unit is sold once."""

from functools import partial
from random import Random

import pytest
from django.db import transaction

from inventory.models import StockItem
from inventory.services import commit_stock, receive_stock, reserve_stock
from orders_project.messaging import retry
from orders_project.messaging.events import (
    PaymentSucceeded,
    StockRanOut,
    StockReserved,
)
from orders_project.messaging.topology import INVENTORY_QUEUE
from tests.bus import Rungs, hear, said
from tests.events import created, lines
from tests.faults.sizes import size
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, UNITS, WORKERS = 200, 50, 8
SKUS = ("TEAPOT", "KETTLE")


@pytest.fixture
def rungs(monkeypatch):
    kept = Rungs()
    monkeypatch.setattr(retry, "_publish", lambda *sent: kept.append(sent))
    return kept


@pytest.mark.parametrize("seed", range(size(usual=2, nightly=50)))
def test_as_many_are_sold_as_there_are(seed, rungs):
    receive_stock(dict.fromkeys(SKUS, UNITS))
    chance = Random(seed)
    everyone(reserve_stock, [ordered(chance) for _ in range(BUYERS)], chance)

    served = said(StockReserved)
    assert (len(served), len(said(StockRanOut))) == (UNITS, BUYERS - UNITS)
    assert stock() == dict.fromkeys(SKUS, (UNITS, UNITS, 0))

    everyone(commit_stock, [paid(event) for event in served], chance)
    assert stock() == dict.fromkeys(SKUS, (0, 0, UNITS))
    assert not rungs, "a deadlock, or units promised twice"


def everyone(service, events, chance):
    """Let each worker do its share of the events at once, and then hear them again."""
    mixed = chance.sample(events, len(events))
    handle = transaction.atomic(service)
    at_once(*(partial(handle, mixed[n::WORKERS]) for n in range(WORKERS)))
    at_once(*(partial(hear, INVENTORY_QUEUE, *mixed[n::2]) for n in range(2)))


def ordered(chance):
    return created(lines=lines(**dict.fromkeys(chance.sample(SKUS, len(SKUS)), 1)))


def paid(event):
    return event.then(
        PaymentSucceeded,
        amount_cents=event.total_cents,
        currency="USD",
        method="prepaid",
        country="DE",
    )


def stock():
    return {
        item.sku: (item.on_hand, item.reserved, item.sold)
        for item in StockItem.objects.all()
    }
