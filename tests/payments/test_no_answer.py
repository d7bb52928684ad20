"""A gateway that does not answer: only the same key asked again tells what happened."""

import pytest

from orders_project.messaging.events import (
    PaymentFailed,
    PaymentRefunded,
    PaymentSucceeded,
)
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from payments.models import GatewayEntry
from payments.refunds import GATEWAY_UNREACHABLE
from tests.bus import pump, said
from tests.payments.scene import (
    books,
    charge,
    hears,
    net_cents,
    refund_status,
    reserved,
    status,
)

pytestmark = pytest.mark.django_db


def test_a_charge_that_timed_out_waits_on_a_rung_while_the_others_go_on(rungs):
    good, silent = reserved(), reserved("tok_timeout_once")
    hears(good, silent)
    pump()

    assert (status(good), status(silent)) == ("settled", "opened")
    ((ids, exchange, headers),) = rungs
    assert (ids, exchange) == ([silent.order_id], "retry.5s")
    assert headers["x-attempt"] == 1


def test_asked_again_with_the_same_key_it_tells_what_it_did():
    event = reserved("tok_timeout_once")
    hears(event)
    for _ in ("authorise times out", "capture times out", "all is known"):
        charge(event.order_id)

    assert (status(event), net_cents(event)) == ("settled", 1999)
    assert GatewayEntry.objects.filter(state="captured").count() == 1
    assert len(said(PaymentSucceeded)) == 1


def test_when_every_rung_is_used_up_the_payment_is_given_up(rungs, monkeypatch):
    event = reserved("tok_unreachable")
    hears(event)
    monkeypatch.setattr("payments.tasks.attempts", lambda: 4)
    charge(event.order_id)

    assert not rungs
    assert status(event) == "voiding"
    assert not said(PaymentFailed)

    pump()
    (failed,) = said(PaymentFailed)
    assert (failed.reason, failed.cause) == (GATEWAY_UNREACHABLE, event.id)
    assert (status(event), refund_status(event)) == ("failed", "voided")
    assert books(event).closed
    assert not said(PaymentRefunded)


def test_a_setting_may_make_it_give_up_sooner(settings):
    settings.PAYMENT_MAX_ATTEMPTS = 1
    event = reserved("tok_unreachable")
    hears(event)
    pump()

    assert [failed.reason for failed in said(PaymentFailed)] == [GATEWAY_UNREACHABLE]


def test_what_an_unanswered_capture_took_is_given_back_when_it_is_given_up(settings):
    settings.PAYMENT_MAX_ATTEMPTS = 2
    event = reserved("tok_timeout_once")
    hears(event)
    charge(event.order_id)
    settings.PAYMENT_MAX_ATTEMPTS = 1
    charge(event.order_id)
    assert net_cents(event) == 1999

    pump()
    assert (status(event), net_cents(event)) == ("failed", 0)
    assert len(said(PaymentFailed)) == len(said(PaymentRefunded)) == 1


def test_a_refund_without_an_answer_is_asked_for_again(rungs, monkeypatch, settings):
    settings.PAYMENT_MAX_ATTEMPTS = 1
    event = reserved("tok_unreachable")
    hears(event)
    with monkeypatch.context() as patch:
        patch.setattr(
            SimulatedGateway,
            "refund_or_void",
            lambda _, reversals: [UNANSWERED for _ in reversals],
        )
        pump()
    ((ids, exchange, _),) = rungs
    assert (ids, exchange) == ([event.order_id], "retry.5s")
    assert (status(event), refund_status(event)) == ("voiding", "requested")

    charge(event.order_id, steps=("refund",))
    assert (status(event), refund_status(event)) == ("failed", "voided")
