"""The whole system in real processes: a relay, and workers that hear every queue.

A story that needs a part to stand still runs the others itself, with `running`.
"""

from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.test import Client

from inventory.services import receive_stock
from orders.models import Product
from orders_project.messaging.topology import CONSUMED
from tests.awaiting import eventually
from tests.processes import relay, worker

QUEUES = tuple(queue.name for queue in CONSUMED)


@contextmanager
def running(*left_out, **settings_of_it):
    """Run a relay, and a worker for all queues but those left out."""
    queues = [name for name in QUEUES if name not in left_out]
    with relay(**settings_of_it), worker(*queues, concurrency=2, **settings_of_it):
        yield


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """Settings that make the processes quick, and keep their mail in this run."""
    return {
        "OUTGOING_DIR": tmp_path_factory.mktemp("outgoing"),
        "CONFIRMATION_DELAY_SECONDS": 0,
        "CARRIER_DELIVERY_SECONDS": 0,
        "PAYMENT_MAX_ATTEMPTS": 2,
    }


@pytest.fixture
def shop(broker, settings, quick):
    """A shop with two products, and its customers' verbs."""
    settings.GUEST_CHECKOUT = True
    for sku, cents in (("TEAPOT", 1999), ("KETTLE", 4950)):
        Product.objects.create(
            sku=sku,
            name=sku.title(),
            category="Kitchen",
            unit_cents=cents,
            currency="USD",
        )
    receive_stock({"TEAPOT": 100, "KETTLE": 3})
    return Shop(quick)


class Shop:
    """What a guest does over HTTP, and how the shop looks afterwards."""

    def __init__(self, settings):
        self.client = Client()
        self.settings = settings
        self.tokens = {}

    def order(self, *, sku="TEAPOT", quantity=1, expect=201, **fields):
        answer = self.try_to_order(sku=sku, quantity=quantity, **fields)
        assert answer.status_code == expect, answer.content
        placed = answer.json()
        self.tokens[placed["id"]] = placed["order_token"]
        return placed["id"]

    def try_to_order(self, *, sku="TEAPOT", quantity=1, **fields):
        body = {"items": [{"sku": sku, "quantity": quantity}]} | fields
        body = {"email": "ada@example.com", "phone": "+4912345"} | body
        return self.client.post("/api/orders/", body, content_type="application/json")

    def get(self, order_id, page=""):
        answer = self.client.get(
            f"/api/orders/{order_id}/{page}", self._token(order_id)
        )
        return answer.json()

    def post(self, order_id, page):
        token = self.tokens[order_id]
        return self.client.post(
            f"/api/orders/{order_id}/{page}", headers={"X-Order-Token": token}
        )

    def _token(self, order_id):
        return {"order_token": self.tokens[order_id]}

    def wait_for(self, order_id, status, within=40):
        def reached():
            order = self.get(order_id)
            return order if order["status"] == status else None

        try:
            return eventually(reached, within=within, every=0.05)
        except AssertionError as error:
            raise AssertionError(self.timeline(order_id)) from error

    def timeline(self, order_id):
        return [event["type"] for event in self.get(order_id, "timeline/")]

    def mails(self, order_id):
        folder = self.settings["OUTGOING_DIR"]
        return [mail for mail in folder.rglob("*.eml") if order_id in mail.name]

    def verify(self):
        call_command("verify")
