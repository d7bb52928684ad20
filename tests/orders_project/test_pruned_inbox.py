"""An old order's events come again, and the inbox no longer knows that it had them.

So it is when a person nudges it after RETENTION_DAYS. Statuses that only move forward,
and rows that are unique, must do what the inbox did.
"""

import random

import pytest
from django.apps import apps

from inventory.services import receive_stock
from orders import services
from orders_project.messaging import nudging
from orders_project.messaging.hearing import HEARS
from orders_project.messaging.models import Inbox, LoggedEvent
from orders_project.messaging.topology import QUEUES
from payments.models import Payment
from tests.bus import hear, pump, said
from tests.orders.conftest import catalogue, place
from tests.orders_project.reconciler.differences import pump_until

__all__ = ("catalogue", "place")

APPS = ("orders", "inventory", "payments", "shipping", "notifications", "audit")


def everything():
    """Return all rows of all apps, and all that was said."""
    models = [one for app in APPS for one in apps.get_app_config(app).get_models()]
    return {
        model.__name__: sorted(map(str, model.objects.order_by().values()))
        for model in (*models, LoggedEvent)
    }


def called_off(order):
    pump_until(lambda: Payment.objects.filter(status="settled"))
    services.cancel_order(order.pk)


ENDS = {
    "completed": ({}, 1, lambda order: None),
    "paid at the door": ({"method": "cod"}, 1, lambda order: None),
    "out of stock": ({}, 0, lambda order: None),
    "declined": ({"payment_token": "tok_declined"}, 1, lambda order: None),
    "cancelled, with money back": ({}, 1, called_off),
}


@pytest.fixture(params=ENDS)
def order(request, place):
    fields, stock, happens = ENDS[request.param]
    receive_stock({"TEAPOT": stock})
    order = place(**fields)
    happens(order)
    pump()
    order.refresh_from_db()
    assert order.status in ("completed", "cancelled")
    return order


def test_an_old_order_that_is_nudged_stays_as_it_is(order):
    before = everything()
    Inbox.objects.all().delete()
    nudging.nudge([str(order.pk)], by="a person")
    pump()

    assert everything() == before
    assert Inbox.objects.exists(), "Nothing was handled again."


@pytest.mark.parametrize("seed", range(3))
def test_so_it_does_if_they_come_one_by_one_in_any_order(order, seed):
    before = everything()
    events = said()
    random.Random(seed).shuffle(events)
    for event in events:
        Inbox.objects.all().delete()
        for queue in QUEUES:
            if (queue.name, event.type) in HEARS:
                hear(queue, event)
        pump()

    assert everything() == before
