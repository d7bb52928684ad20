"""The list of notifications, and the panel on an order's page."""

import pytest
from django.urls import reverse

from orders_project.messaging.topology import EMAIL_QUEUE
from orders_project.panels import PANELS
from tests.bus import hear, pump

pytestmark = pytest.mark.django_db


LIST = "admin:notifications_notification_changelist"


def test_notifications_are_found_by_their_order(admin_client, order):
    hear(EMAIL_QUEUE, order.created())

    page = admin_client.get(reverse(LIST), {"q": order.id, "status": "pending"})

    assert page.status_code == 200
    assert page.context["cl"].result_count == 1


def test_a_search_for_something_else_finds_nothing(admin_client, order):
    hear(EMAIL_QUEUE, order.created())

    page = admin_client.get(reverse(LIST), {"q": "not-an-order"})

    assert page.context["cl"].result_count == 0


def test_the_panel_tells_what_became_of_each_message(order):
    hear(EMAIL_QUEUE, order.created())
    pump()

    [(label, value)] = PANELS["Notifications"](order.id)
    assert label == "created by email"
    assert value.startswith("sent, 20")
