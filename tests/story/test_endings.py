"""Every way an order can end, through real workers.

The stock becomes sold beside the order's own way, which may end first: what holds at
rest is looked at after `verify`, which waits for it.
"""

import pytest
from django.db import transaction

from inventory.models import StockItem
from notifications.models import Notification
from orders_project.messaging import outbox
from orders_project.messaging.models import DeadLetter
from payments.gateways.ledger import GatewayEntry
from tests.awaiting import eventually
from tests.story.conftest import running


@pytest.fixture(scope="module")
def processes(django_db_setup, topology, quick):
    with running(**quick):
        yield


@pytest.fixture
def system(processes, shop):
    return shop


def stock(sku="TEAPOT"):
    item = StockItem.objects.get(sku=sku)
    return item.on_hand, item.reserved, item.sold


def captured(order_id):
    entries = GatewayEntry.objects.filter(order_id=order_id, state="captured")
    return [entry.amount_cents for entry in entries]


def test_a_paid_order_is_shipped_delivered_and_complete(system):
    order_id = system.order(quantity=2)
    order = system.wait_for(order_id, "completed")
    system.verify()

    assert order["total_cents"] == 3998
    assert order["created_at"] < order["paid_at"] < order["shipped_at"]
    assert order["shipped_at"] < order["delivered_at"] <= order["completed_at"]
    assert captured(order_id) == [3998]
    assert stock() == (98, 0, 2)
    assert set(system.timeline(order_id)) == {
        "order.created",
        "inventory.reserved",
        "payment.success",
        "inventory.committed",
        "order.paid",
        "shipping.prepared",
        "order.shipped",
        "shipping.delivered",
        "order.completed",
    }
    eventually(lambda: Notification.objects.filter(status="sent").count() == 10)
    mails = system.mails(order_id)
    assert len(mails) == 5
    assert all("ada@example.com" in mail.read_text() for mail in mails)
    assert system.get(order_id, "payment/")["gateway"]["captured_cents"] == 3998


def test_cash_on_delivery_is_shipped_first_and_paid_at_the_door(system):
    order_id = system.order(method="cod")
    order = system.wait_for(order_id, "completed")

    assert order["shipped_at"] < order["paid_at"]
    assert captured(order_id) == []
    assert system.timeline(order_id).index("payment.cod_accepted") == 2
    system.verify()


def test_an_order_for_more_than_there_is_is_cancelled(system):
    order_id = system.order(sku="KETTLE", quantity=4)

    assert system.wait_for(order_id, "cancelled")["reason"] == "out_of_stock"
    assert captured(order_id) == []
    assert stock("KETTLE") == (3, 0, 0)
    system.verify()


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_declined", "declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_unreachable", "gateway_unreachable"),
    ],
)
def test_an_order_that_cannot_be_paid_gives_its_stock_back(system, token, reason):
    order_id = system.order(payment_token=token)

    assert system.wait_for(order_id, "cancelled")["reason"] == reason
    system.verify()
    assert "inventory.released" in system.timeline(order_id)
    assert stock() == (100, 0, 0)
    assert captured(order_id) == []


@pytest.mark.parametrize("token", ["tok_timeout_once", "tok_slow"])
def test_a_gateway_that_answers_late_is_charged_once(system, token):
    order_id = system.order(payment_token=token)
    system.wait_for(order_id, "completed")

    assert captured(order_id) == [1999]
    system.verify()


def test_the_last_units_go_to_as_many_orders_as_there_are_units(system):
    orders = [system.order(sku="KETTLE") for _ in range(8)]
    eventually(
        lambda: all(
            system.get(one)["status"] in ("completed", "cancelled") for one in orders
        )
    )

    endings = [system.get(one)["status"] for one in orders]
    assert endings.count("completed") == 3
    system.verify()
    assert stock("KETTLE") == (0, 0, 3)


def test_many_orders_at_once_and_every_event_twice_change_no_ending(system):
    orders = [
        system.order(method=("prepaid", "cod")[number % 2], priority="urgent")
        for number in range(30)
    ]
    for _ in range(3):
        with transaction.atomic():
            outbox.resend(orders)
    for order_id in orders:
        system.wait_for(order_id, "completed")

    system.verify()
    assert stock() == (70, 0, 30)
    assert not DeadLetter.objects.exists()
