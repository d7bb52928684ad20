"""A gateway that does not answer: only the same key asked again tells what happened."""

from datetime import timedelta

import pytest
from django.db.models import F

from orders_project.messaging.events import (
    PaymentFailed,
    PaymentRefunded,
    PaymentSucceeded,
    utc_now,
)
from orders_project.messaging.models import Parcel
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from payments.models import GatewayEntry, Refund
from payments.refunds import GATEWAY_UNREACHABLE
from tests.bus import pump, said
from tests.payments.scene import (
    books,
    cancelled,
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
    monkeypatch.setattr("payments.tasks.attempt", lambda: 5)
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


def test_what_another_chain_was_answered_meanwhile_is_not_given_up(
    settings, monkeypatch
):
    settings.PAYMENT_MAX_ATTEMPTS = 1
    event = reserved()
    hears(event)
    answer = SimulatedGateway.authorise

    def say_nothing(_gateway, charges):
        monkeypatch.setattr(SimulatedGateway, "authorise", answer)
        charge(event.order_id, steps=["authorise"])
        return [UNANSWERED for _ in charges]

    monkeypatch.setattr(SimulatedGateway, "authorise", say_nothing)
    charge(event.order_id, steps=["authorise"])
    assert status(event) == "authorised"

    charge(event.order_id)
    assert (status(event), net_cents(event)) == ("settled", 1999)


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


def test_a_void_without_an_answer_is_asked_for_again_soon(monkeypatch, settings):
    settings.PAYMENT_MAX_ATTEMPTS = 1
    event = reserved("tok_unreachable")
    hears(event)
    charge(event.order_id)
    Parcel.objects.all().delete()
    keys = stays_silent(monkeypatch, times=1)

    charge(event.order_id, steps=("refund",))
    assert (status(event), refund_status(event)) == ("voiding", "requested")
    assert pauses() == [5]

    pump()
    assert (status(event), refund_status(event)) == ("failed", "voided")
    assert keys == [f"{event.order_id}:refund:1"] * 2


def test_it_is_asked_for_until_there_is_an_answer_each_time_a_little_later(monkeypatch):
    event = called_off()
    stays_silent(monkeypatch, times=7)
    seen = []
    for _ in range(7):
        charge(event.order_id, steps=("refund",))
        seen += pauses()
        Parcel.objects.all().delete()
        wait(minutes=1)
    charge(event.order_id, steps=("refund",))

    assert seen == [5, 15, 30, 60, 60, 60, 60]
    assert (refund_status(event), net_cents(event)) == ("refunded", 0)


def test_of_two_tasks_that_ask_for_the_same_refund_one_goes_on(monkeypatch):
    event = called_off()
    stays_silent(monkeypatch, times=3)
    charge(event.order_id, steps=("refund",))
    wait(minutes=1)
    charge(event.order_id, steps=("refund",))
    charge(event.order_id, steps=("refund",))

    assert pauses() == [5, 15]


def called_off():
    """Return an order that was charged and cancelled, its refund not yet asked for."""
    event = reserved()
    hears(event)
    charge(event.order_id)
    hears(cancelled(event))
    Parcel.objects.all().delete()
    return event


def stays_silent(monkeypatch, times):
    """Let the gateway not answer so many refunds; returns the keys it hears of."""
    keys, real = [], SimulatedGateway.refund_or_void

    def refund_or_void(self, reversals):
        keys.extend(reversal.key for reversal in reversals)
        if len(keys) <= times:
            return [UNANSWERED for _ in reversals]
        return real(self, reversals)

    monkeypatch.setattr(SimulatedGateway, "refund_or_void", refund_or_void)
    return keys


def pauses():
    """Return in how many seconds what waits in the outbox is due."""
    due = Parcel.objects.order_by("id").values_list("due", flat=True)
    return [round((one - utc_now()).total_seconds()) for one in due]


def wait(**time):
    ago = timedelta(**time)
    Refund.objects.update(updated=F("updated") - ago, tried=F("tried") - ago)
