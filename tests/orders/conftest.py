"""A small catalogue, and orders brought to any point of their way."""

import pytest
from django.contrib.auth.models import Permission
from knox.models import AuthToken
from rest_framework.test import APIClient

from orders import services, tokens
from orders.models import FailedOrder, Order, Product
from orders.pricing import Item, NewOrder
from orders_project.messaging.events import (
    PaymentSucceeded,
    ShipmentDelivered,
    ShipmentPrepared,
)
from orders_project.messaging.topology import FAILED_ORDER_QUEUE, ORDER_QUEUE
from tests.bus import hear

#: Staff by what they may.
MAY = {"viewer": "view_order", "clerk": "change_order"}
PRICES = {"TEAPOT": 1999, "KETTLE": 4500, "item1": 100, "item2": 250, "1": 999}


@pytest.fixture
def catalogue(db):
    """Five products, all in dollars."""
    return Product.objects.bulk_create(
        Product(
            sku=sku,
            name=sku.title(),
            category="Kitchen",
            unit_cents=cents,
            currency="USD",
        )
        for sku, cents in PRICES.items()
    )


@pytest.fixture
def place(catalogue):
    """Place an order of one teapot, or of what is named."""

    def place(**fields):
        fields.setdefault("items", [Item(sku="TEAPOT")])
        return services.place_orders([NewOrder(**fields)])[0]

    return place


@pytest.fixture
def order(place):
    return place()


def paid(order):
    return PaymentSucceeded(
        order_id=str(order.id),
        amount_cents=order.total_cents,
        currency="USD",
        method=order.method,
        country="US",
    )


def prepared(order):
    return ShipmentPrepared(order_id=str(order.id), carrier="c", tracking="T1")


def delivered(order):
    return ShipmentDelivered(order_id=str(order.id))


@pytest.fixture
def happens():
    """Let the order queue hear events of an order, and read the order again."""

    def happens(order, *makers):
        for make in makers:
            hear(ORDER_QUEUE, make(order))
        return Order.objects.get(pk=order.pk)

    return happens


@pytest.fixture(autouse=True)
def guests_may_order(settings):
    settings.GUEST_CHECKOUT = True


@pytest.fixture
def api():
    """A client of the API that is nobody; `api(user)` is one with that user's token."""

    def api(user=None):
        client = APIClient(raise_request_exception=False)
        if user:
            _, token = AuthToken.objects.create(user)
            client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return client

    return api


@pytest.fixture
def people(django_user_model):
    """The owner of orders, a stranger, and staff: who may nothing, view, or change."""
    make = django_user_model.objects.create_user
    people = {name: make(name) for name in ("owner", "stranger")}
    people |= {name: make(name, is_staff=True) for name in ("staff", *MAY)}
    for name, codename in MAY.items():
        permission = Permission.objects.get(codename=codename)
        people[name].user_permissions.add(permission)
    return people


@pytest.fixture
def guest(api, place):
    """Call a page of an order with its token."""

    def guest(method, order, page=""):
        client = api()
        client.credentials(HTTP_X_ORDER_TOKEN=tokens.make(order.id))
        return getattr(client, method)(f"/api/orders/{order.id}/{page}")

    return guest


@pytest.fixture
def fails(place):
    def fails(kind, **data):
        order = place(reference="R-1", email="dana@example.org")
        event = kind(order_id=str(order.id), **data)
        hear(FAILED_ORDER_QUEUE, event, event)
        hear(ORDER_QUEUE, event)
        return FailedOrder.objects.get(order=order)

    return fails
