"""A prepaid payment on its way forward."""

import json

import pytest

from orders_project.messaging.events import (
    URGENT,
    PaymentFailed,
    PaymentSucceeded,
    StockReserved,
)
from orders_project.messaging.models import Parcel
from payments.gateways.port import Outcome
from payments.gateways.simulated import SimulatedGateway
from payments.models import GatewayEntry, Payment
from tests.bus import pump, said
from tests.payments.scene import (
    books,
    charge,
    hears,
    net_cents,
    reserved,
    status,
)

pytestmark = pytest.mark.django_db


def test_a_reserved_order_is_authorised_and_captured():
    event = reserved()
    hears(event)
    pump()

    assert status(event) == "settled"
    assert net_cents(event) == 1999
    assert Payment.objects.get().reference == books(event).reference


def test_success_names_what_led_to_it():
    event = reserved()
    hears(event)
    pump()

    (success,) = said(PaymentSucceeded)
    assert (success.cause, success.trace) == (event.id, event.trace)
    assert (success.amount_cents, success.currency) == (1999, "USD")
    assert (success.method, success.country) == ("prepaid", "DE")


def test_an_urgent_order_stays_urgent():
    hears(reserved(priority=URGENT), reserved())

    assert sorted(Parcel.objects.values_list("priority", flat=True)) == [1, URGENT]
    pump()
    assert sorted(event.priority for event in said(PaymentSucceeded)) == [1, URGENT]


def test_orders_of_a_batch_share_one_chain():
    hears(*(reserved() for _ in range(5)))

    (parcel,) = Parcel.objects.all()
    assert (parcel.exchange, parcel.routing_key) == ("payment.exchange", "prepaid")
    assert len(json.loads(parcel.body)[0][0]) == 5


@pytest.mark.parametrize("reason", ["declined", "insufficient_funds"])
def test_a_refusal_ends_the_payment_with_its_reason(reason):
    event = reserved(f"tok_{reason}")
    hears(event)
    pump()

    (failed,) = said(PaymentFailed)
    assert (failed.reason, failed.cause) == (reason, event.id)
    assert (status(event), net_cents(event)) == ("failed", 0)


def test_a_refusal_harms_nobody_else_in_its_batch():
    good, bad = reserved(), reserved("tok_declined")
    hears(good, bad)
    pump()

    assert (status(good), status(bad)) == ("settled", "failed")


def test_an_event_that_comes_twice_opens_one_payment():
    event = reserved()
    hears(event)
    hears(
        StockReserved(
            **{**_fields(event), "id": "01890000-0000-7000-8000-000000000001"}
        )
    )
    pump()

    assert Payment.objects.count() == 1
    assert len(said(PaymentSucceeded)) == 1


def test_a_chain_that_runs_twice_charges_once():
    event = reserved()
    hears(event)
    pump()
    charge(event.order_id)

    assert GatewayEntry.objects.filter(state="captured").count() == 1
    assert len(said(PaymentSucceeded)) == 1


@pytest.mark.parametrize("done", [("authorise",), ("authorise", "capture")])
def test_a_chain_that_starts_again_goes_on_behind_what_is_done(done):
    event = reserved()
    hears(event)
    charge(event.order_id, steps=done)

    charge(event.order_id)

    assert (status(event), net_cents(event)) == ("settled", 1999)


def test_a_worker_that_dies_before_it_records_a_charge_asks_with_the_same_key(
    monkeypatch,
):
    event = reserved()
    hears(event)
    with monkeypatch.context() as patch:
        patch.setattr("payments.charges._record", _die)
        with pytest.raises(SystemExit):
            charge(event.order_id)

    charge(event.order_id)

    assert (status(event), net_cents(event)) == ("settled", 1999)
    assert GatewayEntry.objects.count() == 2


def test_an_unknown_method_is_parked_and_harms_nobody(rungs):
    good, bad = reserved(), reserved(method="barter")
    hears(good, bad)

    assert "'barter'; 'method' must be one of: prepaid, cod" in rungs.dead[0]
    assert Payment.objects.get().order_id.hex == good.order_id.replace("-", "")


def test_a_batch_of_any_size_takes_the_same_number_of_statements(
    django_assert_num_queries, django_assert_max_num_queries
):
    def statements_of(size):
        events = [reserved() for _ in range(size)]
        with django_assert_max_num_queries(200) as seen:
            hears(*events)
            charge(*(event.order_id for event in events))
        return len(seen)

    assert statements_of(40) == statements_of(2)


def _fields(event):
    return {name: getattr(event, name) for name in event.__struct_fields__}


def _die(*_):
    raise SystemExit


@pytest.mark.parametrize("reason", ["no\x00money", "no\ud800money", "no" + 9_000 * "!"])
def test_a_refusal_in_words_that_no_row_can_hold_is_recorded(reason, monkeypatch):
    def refuse(_gateway, charges):
        return [Outcome(state="declined", reason=reason) for _ in charges]

    monkeypatch.setattr(SimulatedGateway, "authorise", refuse)
    event = reserved()
    hears(event)
    pump()

    (failed,) = said(PaymentFailed)
    assert failed.reason.startswith("no")
    assert len(failed.reason) < 300
    assert status(event) == "failed"
