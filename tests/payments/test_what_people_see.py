"""The answer to a question about a payment, and the admin's pages."""

from unittest.mock import ANY

import msgspec
import pytest
from django.apps import apps
from django.urls import reverse

from orders_project.messaging.events import PaymentAsked, new_id
from orders_project.messaging.hearing import WHOLE_MESSAGES
from orders_project.panels import PANELS
from payments import selectors
from tests.bus import pump
from tests.payments.scene import cancelled, hears, reserved

pytestmark = pytest.mark.django_db


def test_the_answer_says_what_the_gateway_itself_confirms():
    event = reserved()
    hears(event)
    pump()

    answer = selectors.payment_at_gateway(event.order_id)

    assert answer == {
        "order_id": event.order_id,
        "status": "settled",
        "reason": "",
        "method": "prepaid",
        "amount_cents": 1999,
        "currency": "USD",
        "refund": None,
        "gateway": {
            "authorised_cents": 1999,
            "captured_cents": 1999,
            "refunded_cents": 0,
            "closed": False,
            "reference": f"sim_{event.order_id.replace('-', '')}",
            "changed": ANY,
        },
    }
    assert msgspec.json.encode(answer)


def test_the_answer_tells_of_a_refund():
    event = reserved()
    hears(event)
    pump()
    hears(cancelled(event))
    pump()

    answer = selectors.payment_at_gateway(event.order_id)

    assert (answer["status"], answer["refund"]) == ("cancelled", "refunded")
    assert answer["gateway"]["refunded_cents"] == 1999


def test_an_order_without_a_payment_has_no_status():
    answer = selectors.payment_at_gateway(new_id())

    assert answer["status"] is None
    assert answer["gateway"]["authorised_cents"] == 0


def test_the_question_is_answered_by_a_task_on_the_rpc_queue():
    assert PaymentAsked.type == "payment.asked"
    assert WHOLE_MESSAGES["payment.rpc.queue"] == "payments.tasks.confirm_payment"


@pytest.mark.parametrize("model", ["payment", "refund", "gatewayentry"])
def test_the_admin_lists_and_finds_but_changes_nothing(admin_client, settings, model):
    settings.WHITENOISE_AUTOREFRESH = True
    event = reserved()
    hears(event)
    pump()
    hears(cancelled(event))
    pump()
    page = reverse(f"admin:payments_{model}_changelist")

    found = admin_client.get(page, {"q": event.order_id}).content.decode()
    assert event.order_id in found
    assert f"{page}add/" not in found
    nothing = admin_client.get(page, {"q": "no such thing"}).content.decode()
    assert event.order_id not in nothing
    only = apps.get_model("payments", model).objects.first()
    change = reverse(f"admin:payments_{model}_change", args=[only.pk])
    assert 'name="_save"' not in admin_client.get(change).content.decode()


@pytest.mark.parametrize("model", ["payment", "refund", "gatewayentry"])
def test_no_page_shows_the_payment_token(admin_client, settings, model):
    settings.WHITENOISE_AUTOREFRESH = True
    event = reserved(token="tok_ok")
    hears(event)
    pump()
    hears(cancelled(event))
    pump()
    for row in apps.get_model("payments", model).objects.all():
        page = reverse(f"admin:payments_{model}_change", args=[row.pk])
        assert "tok_ok" not in admin_client.get(page).content.decode()


def test_the_orders_page_gets_its_panel():
    event = reserved()
    hears(event)
    pump()

    rows = PANELS["Payment"](event.order_id)

    assert ("Status", "settled") in rows
    assert ("Amount", "19.99 USD") in rows
    assert ("Gateway: capture", "captured 19.99 USD") in rows
    assert PANELS["Payment"](new_id()) == []
