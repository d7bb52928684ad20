"""The customer changes their mind, at every moment; and what waits, waits."""

import pytest

from inventory.models import StockItem
from notifications.models import Notification
from payments.models import Payment
from tests.awaiting import eventually
from tests.story.conftest import running


def stock():
    item = StockItem.objects.get(sku="TEAPOT")
    return item.on_hand, item.reserved, item.sold


def test_an_order_called_off_at_once_ends_without_a_charge(shop):
    order_id = shop.order()
    assert shop.post(order_id, "cancel/").json()["status"] == "cancelled"

    with running(**shop.settings):
        shop.verify()
    assert stock() == (100, 0, 0)
    assert shop.get(order_id)["reason"] == "customer"


def test_an_order_called_off_after_payment_is_refunded(shop):
    with running("shipping.queue", **shop.settings):
        order_id = shop.order(quantity=3)
        shop.wait_for(order_id, "paid")
        eventually(lambda: "inventory.committed" in shop.timeline(order_id))
        assert shop.post(order_id, "cancel/").status_code == 200
        eventually(lambda: "payment.refunded" in shop.timeline(order_id))

    with running(**shop.settings):
        eventually(lambda: "inventory.released" in shop.timeline(order_id))
        shop.verify()
    assert stock() == (100, 0, 0)


def test_an_order_called_off_while_it_is_being_charged_costs_nothing(shop):
    with running("payment.prepaid.queue", **shop.settings):
        order_id = shop.order()
        eventually(lambda: Payment.objects.filter(order_id=order_id).exists())
        assert shop.post(order_id, "cancel/").status_code == 200
        eventually(lambda: Payment.objects.get().status == "cancelled")

    with running(**shop.settings):
        shop.verify()


def test_what_has_left_the_house_cannot_be_called_off(shop):
    with running(**shop.settings | {"CARRIER_DELIVERY_SECONDS": "none"}):
        order_id = shop.order()
        shop.wait_for(order_id, "shipped")

        refused = shop.post(order_id, "cancel/")
        assert refused.status_code == 409
        assert "shipped" in refused.json()["detail"]


def test_a_parcel_waits_for_the_customer_to_confirm_it(shop):
    with running(**shop.settings | {"CARRIER_DELIVERY_SECONDS": "none"}):
        order_id = shop.order()
        assert shop.post(order_id, "confirm-delivery/").status_code == 409
        shop.wait_for(order_id, "shipped")
        eventually(lambda: shop.post(order_id, "confirm-delivery/").status_code == 202)
        shop.wait_for(order_id, "completed")
        shop.verify()


@pytest.mark.parametrize("called_off", [False, True])
def test_the_confirmation_follows_later_unless_the_order_is_called_off(
    shop, called_off
):
    late = shop.settings | {"CONFIRMATION_DELAY_SECONDS": 3}
    with running("shipping.queue", **late):
        order_id = shop.order()
        shop.wait_for(order_id, "paid")
        confirmed = Notification.objects.filter(milestone="confirmed", channel="email")
        eventually(confirmed.exists)
        if called_off:
            shop.post(order_id, "cancel/")
        ending = "withdrawn" if called_off else "sent"
        eventually(lambda: confirmed.get().status == ending)
