"""An order may be cancelled at every moment: the gateway ends with nothing of it."""

import pytest

from orders_project.messaging.events import (
    PaymentFailed,
    PaymentRefunded,
    PaymentSucceeded,
)
from payments.gateways.port import Outcome
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment, Refund
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

STEPS = ("authorise", "capture")


@pytest.mark.parametrize("done", range(3))
def test_after_so_many_steps_the_money_goes_back(done):
    event = reserved()
    hears(event)
    charge(event.order_id, steps=STEPS[:done])
    was_captured = done == 2

    cancel = cancelled(event)
    hears(cancel)
    pump()

    assert (status(event), net_cents(event)) == ("cancelled", 0)
    assert books(event).closed
    assert refund_status(event) == ("refunded" if was_captured else "voided")
    refunds = said(PaymentRefunded)
    assert [one.amount_cents for one in refunds] == [1999] * was_captured
    assert all(one.cause == cancel.id for one in refunds)
    assert len(said(PaymentSucceeded)) == was_captured


def test_cancelled_before_it_comes_it_is_never_opened():
    event = reserved()
    hears(cancelled(event))
    hears(event)
    pump()

    assert (status(event), books(event).authorised_cents) == ("cancelled", 0)
    assert not Refund.objects.exists()


def test_cancelled_twice_it_is_refunded_once():
    event = reserved()
    hears(event)
    pump()
    hears(cancelled(event))
    hears(cancelled(event))
    pump()
    charge(event.order_id, steps=("refund",))

    assert len(said(PaymentRefunded)) == 1
    assert books(event).refunded_cents == 1999


def test_a_failed_payment_stays_failed_when_its_order_is_cancelled():
    event = reserved("tok_declined")
    hears(event)
    pump()
    hears(cancelled(event, "declined"))
    pump()

    assert (status(event), len(said(PaymentFailed))) == ("failed", 1)
    assert not Refund.objects.exists()


@pytest.mark.parametrize("operation", ["authorise", "capture"])
def test_a_cancellation_beside_a_call_in_flight_leaves_nothing(monkeypatch, operation):
    event = reserved()
    hears(event)
    charge(event.order_id, steps=STEPS[: STEPS.index(operation)])
    _when(monkeypatch, operation, then=lambda: (hears(cancelled(event)), pump()))

    charge(event.order_id)
    pump()

    assert (status(event), net_cents(event)) == ("cancelled", 0)
    assert not said(PaymentSucceeded)
    assert len(said(PaymentRefunded)) == (operation == "capture")


def test_a_capture_that_lands_after_the_refund_is_refunded_too(monkeypatch):
    """Some gateways know no void of what they have not seen yet."""
    event = reserved()
    hears(event)
    charge(event.order_id, steps=["authorise"])
    answers = iter(["voided", "refunded"])
    monkeypatch.setattr(
        SimulatedGateway,
        "refund_or_void",
        lambda _, reversals: [Outcome(state=next(answers)) for _ in reversals],
    )

    def answer_late(_, charges):
        hears(cancelled(event))
        pump()
        assert refund_status(event) == "voided"
        return [Outcome(state="captured") for _ in charges]

    monkeypatch.setattr(SimulatedGateway, "capture", answer_late)
    charge(event.order_id)
    pump()

    assert (status(event), refund_status(event)) == ("cancelled", "refunded")
    assert Refund.objects.get().attempt == 2
    assert len(said(PaymentRefunded)) == 1


def test_an_answer_to_an_older_refund_does_not_end_a_newer_one(monkeypatch):
    event = reserved()
    hears(event)
    charge(event.order_id)
    hears(cancelled(event))

    def bump(_, reversals):
        Refund.objects.update(attempt=2)
        return [Outcome(state="voided") for _ in reversals]

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedGateway, "refund_or_void", bump)
        charge(event.order_id, steps=["refund"])
    assert refund_status(event) == "requested"

    charge(event.order_id, steps=["refund"])
    assert (refund_status(event), net_cents(event)) == ("refunded", 0)


def test_a_batch_of_cancellations_takes_the_same_number_of_statements(
    django_assert_max_num_queries,
):
    def statements_of(size):
        events = [reserved() for _ in range(size)]
        hears(*events)
        charge(*(event.order_id for event in events))
        with django_assert_max_num_queries(200) as seen:
            hears(*map(cancelled, events))
            charge(*(event.order_id for event in events), steps=["refund"])
        return len(seen)

    assert statements_of(40) == statements_of(2)
    assert Payment.objects.filter(status="cancelled").count() == 42


def _when(monkeypatch, operation, then):
    """Have something happen between the gateway's doing and our hearing of it."""
    real = getattr(SimulatedGateway, operation)

    def call(self, charges):
        outcomes = real(self, charges)
        if charges:
            monkeypatch.setattr(SimulatedGateway, operation, real)
            then()
        return outcomes

    monkeypatch.setattr(SimulatedGateway, operation, call)
