"""What people see of a parcel."""

import pytest
from django.urls import reverse

from orders_project.messaging.events import new_id
from orders_project.panels import PANELS
from shipping.models import Shipment
from tests.shipping.scene import prepared

pytestmark = pytest.mark.django_db


def test_the_admin_lists_and_finds_but_changes_nothing(admin_client, settings):
    settings.WHITENOISE_AUTOREFRESH = True
    event = prepared()
    page = reverse("admin:shipping_shipment_changelist")

    found = admin_client.get(page, {"q": event.order_id}).content.decode()
    assert event.order_id in found
    assert f"{page}add/" not in found
    nothing = admin_client.get(page, {"q": "no such thing"}).content.decode()
    assert event.order_id not in nothing
    change = reverse("admin:shipping_shipment_change", args=[event.order_id])
    assert 'name="_save"' not in admin_client.get(change).content.decode()


def test_the_orders_page_gets_its_panel():
    event = prepared()
    rows = PANELS["Shipment"](event.order_id)

    assert ("Status", "prepared") in rows
    assert ("Tracking", Shipment.objects.get().tracking) in rows
    assert PANELS["Shipment"](new_id()) == []
