"""Each way in which apps, gateway and carrier may differ is found, named, and mended
if that is safe.
"""

from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from inventory.models import Reservation, ReservationLine, StockItem
from inventory.services import receive_stock
from orders import services
from orders.models import FailedOrder, Order
from orders_project.messaging.events import PaymentRefunded, new_id, utc_now
from orders_project.messaging.models import Nudge, Parcel
from orders_project.reconciler import looking, running
from orders_project.reconciler.checks import CHECKS, PERSON
from orders_project.tasks import reconcile as nightly
from payments.gateways.ledger import GatewayAccount, GatewayEntry
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from payments.models import Payment, Refund
from shipping.models import CarrierParcel, Shipment
from tests.bus import carry, pump, said
from tests.orders.conftest import catalogue, place

__all__ = ("catalogue", "place")
pytestmark = pytest.mark.django_db
MOVED = {
    Order: ("updated_at",), Payment: ("updated",), Refund: ("updated",),
    Reservation: ("made",), Shipment: ("updated",), Nudge: ("at",),
    GatewayEntry: ("at",), CarrierParcel: ("booked", "taken"),
}  # fmt: skip


@pytest.fixture
def done(place):
    """Place an order and carry it to its end."""

    def done(**fields):
        receive_stock({"TEAPOT": 1})
        order = place(**fields)
        pump()
        order.refresh_from_db()
        return order

    return done


@pytest.fixture
def cancelled(place):
    """Place an order that is called off after it was charged."""

    def cancelled():
        receive_stock({"TEAPOT": 1})
        order = place()
        pump_until(lambda: Payment.objects.filter(pk=order.pk, status="settled"))
        services.cancel_order(order.pk)
        pump()
        return order

    return cancelled


def pump_until(reached):
    while not reached().exists():
        assert carry()


def enters(order_id, state, cents):
    """Let the gateway's books say something that we never heard of."""
    GatewayAccount.objects.get_or_create(order_id=order_id, defaults={"closed": False})
    GatewayEntry.objects.create(
        key=new_id(),
        order_id=order_id,
        operation="by hand",
        state=state,
        reason="",
        amount_cents=cents,
        currency="USD",
        reference="",
    )


def set_to(model, order, **values):
    model.objects.filter(pk=order.pk).update(**values)


def an_hour_passes():
    minutes_pass(60)


def minutes_pass(count):
    for model, columns in MOVED.items():
        ago = {one: F(one) - timedelta(minutes=count) for one in columns}
        model.objects.update(**ago)


def reconcile(*words):
    """Return (what the command prints, whether something is left)."""
    out, left = StringIO(), False
    try:
        call_command("reconcile", *words, stdout=out, stderr=StringIO())
    except CommandError:
        left = True
    return out.getvalue(), left


def test_what_is_in_order_is_left_in_peace(done, cancelled):
    done()
    done(method="cod")
    done(payment_token="tok_declined")
    cancelled()
    an_hour_passes()
    assert reconcile() == ("", False)


def test_what_moved_just_now_is_on_its_way(done):
    order = done()
    enters(order.pk, "captured", 1)
    minutes_pass(14)
    assert reconcile() == ("", False)
    minutes_pass(2)
    assert reconcile()[1]


# ---- what is mended
@pytest.mark.parametrize("operation", ["authorise", "capture"])
def test_a_charge_whose_answer_was_lost_is_recorded_and_the_order_goes_on(
    place, monkeypatch, operation
):
    receive_stock({"TEAPOT": 1})
    order = place()
    loses_one_answer(monkeypatch, operation)
    pump()
    an_hour_passes()

    found, left = reconcile()
    assert f"{order.pk}: the gateway charged, and here that is not" in found
    assert f"manage.py nudge {order.pk}" in found
    assert left

    assert reconcile("--repair")[1] is False
    pump()
    order.refresh_from_db()
    assert (order.status, net(order)) == ("completed", 1999)


def loses_one_answer(monkeypatch, operation):
    real = getattr(SimulatedGateway, operation)

    def call(self, charges):
        monkeypatch.setattr(SimulatedGateway, operation, real)
        return [UNANSWERED for _ in real(self, charges)]

    monkeypatch.setattr(SimulatedGateway, operation, call)


@pytest.mark.parametrize("ending", ["cancelled", "declined"])
def test_a_charge_that_turns_up_after_the_end_is_given_back(place, done, ending):
    """The gateway knew no void of what it had not seen yet, and never answered."""
    if ending == "cancelled":
        order = cancelled_before_charge(place)
    else:
        order = done(payment_token="tok_declined")
    enters(order.pk, "captured", 1999)
    an_hour_passes()

    assert "the payment has ended without money" in reconcile("--repair")[0]
    pump()
    assert len(said(PaymentRefunded)) == 1
    assert net(order) == 0
    an_hour_passes()
    assert reconcile() == ("", False)


def cancelled_before_charge(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(pk=order.pk))
    Parcel.objects.all().delete()
    services.cancel_order(order.pk)
    pump()
    return order


def net(order):
    (balance,) = looking.gateway().lookup([str(order.pk)])
    return balance.captured_cents - balance.refunded_cents


def test_a_payment_that_the_gateway_voided_fails_and_its_order_ends(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(pk=order.pk, status="opened"))
    Parcel.objects.all().delete()
    GatewayAccount.objects.create(order_id=order.pk, closed=True)
    an_hour_passes()

    assert "the gateway voided it" in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert (order.status, order.reason) == ("cancelled", "voided_at_gateway")
    assert Payment.objects.get().status == "failed"


LOST = {
    "success_unheard": lambda: Payment.objects.filter(status="settled"),
    "stock_not_asked_for": lambda: Reservation.objects.filter(status="held"),
    "parcel_rests": lambda: Order.objects.filter(status="paid"),
}


@pytest.mark.parametrize("cause", LOST)
def test_where_messages_were_lost_they_are_sent_again(place, cause):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(LOST[cause])
    Parcel.objects.all().delete()
    an_hour_passes()

    assert _sentence(cause) in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert order.status == "completed"


def test_a_cancellation_that_never_arrived_undoes_every_part(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Shipment.objects.filter(status="prepared"))
    services.cancel_order(order.pk)
    Parcel.objects.all().delete()
    an_hour_passes()

    found = reconcile("--repair")[0]
    for part in ("payment", "stock", "parcel"):
        assert _sentence(f"cancellation_unheard_by_{part}") in found
    pump()
    assert net(order) == 0
    assert Reservation.objects.get().status == "released"
    assert Shipment.objects.get().status == "cancelled"
    an_hour_passes()
    assert reconcile() == ("", False)


def test_figures_of_stock_are_made_the_sum_of_the_orders_again(done):
    done()
    StockItem.objects.update(received=10, sold=4, reserved=2)

    assert "TEAPOT: the figures" in reconcile()[0]
    assert reconcile("--repair")[1] is False
    item = StockItem.objects.get()
    assert (item.reserved, item.sold) == (0, 1)


def test_figures_that_would_promise_more_than_there_is_stay_for_a_person(done):
    done()
    StockItem.objects.update(sold=0, received=0)
    assert reconcile("--repair")[1]


# ---- what is left to people
SPOILED = {
    "charged_cash": ("cod", lambda order: enters(order.pk, "captured", 1999)),
    "captured_only_here": (
        "prepaid",
        lambda order: GatewayEntry.objects.filter(state="captured").delete(),
    ),
    "refunded_only_there": (
        "prepaid",
        lambda order: enters(order.pk, "refunded", 500),
    ),
    "amount_there": ("prepaid", lambda order: enters(order.pk, "captured", 1999)),
    "amount_here": ("prepaid", lambda order: set_to(Payment, order, amount_cents=1)),
    "paid_without_money": (
        "cod",
        lambda order: set_to(Payment, order, status="failed"),
    ),
    "stock_lost": (
        "prepaid",
        lambda order: set_to(Reservation, order, status="released"),
    ),
    "parcel_lost": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="cancelled"),
    ),
    "stock_uneven": (
        "prepaid",
        lambda _: ReservationLine.objects.update(quantity=2),
    ),
    "shipped_only_there": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="cancelled"),
    ),
    "shipped_only_here": (
        "prepaid",
        lambda _: CarrierParcel.objects.update(taken=None),
    ),
    "booked_only_here": (
        "prepaid",
        lambda order: set_to(Shipment, order, status="booked", tracking="SX1"),
    ),
    "charged_unknown": (
        "prepaid",
        lambda order: Payment.objects.all().delete(),
    ),
    "does_not_move": (
        "prepaid",
        lambda order: set_to(Order, order, status="paid", nudges=6),
    ),
}


@pytest.mark.parametrize("cause", SPOILED)
def test_what_is_not_safe_to_mend_is_on_the_desk_once_however_many_nights(done, cause):
    method, spoil = SPOILED[cause]
    order = done(method=method)
    spoil(order)
    an_hour_passes()

    assert _sentence(cause) in reconcile()[0]
    assert not FailedOrder.objects.exists()
    for _night in range(3):
        told, left = reconcile("--repair")
        assert left
        assert "It is on the failed-order desk now" in told
        an_hour_passes()
    row = FailedOrder.objects.get(reason=cause)
    assert row.order_id == order.pk
    assert _sentence(cause) in row.detail


def leaves(order):
    set_to(Shipment, order, status="in_transit")
    CarrierParcel.objects.create(order_id=order.pk, tracking="SX1", taken=utc_now())


AFTERWARDS = {
    "refunded_only_here": lambda _: GatewayEntry.objects.filter(
        state="refunded"
    ).delete(),
    "cancelled_parcel_left": leaves,
}


@pytest.mark.parametrize("cause", AFTERWARDS)
def test_so_is_what_goes_wrong_after_a_cancellation(cancelled, cause):
    AFTERWARDS[cause](cancelled())
    an_hour_passes()
    reconcile("--repair")
    assert FailedOrder.objects.get().reason == cause


def test_a_charge_for_an_order_that_nobody_knows_is_reported(done):
    done()
    stranger = new_id()
    enters(stranger, "captured", 700)
    found, left = reconcile("--repair")
    assert f"{stranger}: the gateway took money for an order that is not here" in found
    assert left


def test_a_parcel_of_an_order_that_nobody_knows_is_reported(done):
    done()
    stranger = new_id()
    CarrierParcel.objects.create(order_id=stranger, tracking="SX2")
    enters(stranger, "captured", 700)
    found, left = reconcile("--repair")
    assert f"{stranger}: the carrier has a parcel of an order that is not" in found
    assert "sent back" in found
    assert found.count(stranger) == 2
    assert left


def test_a_carrier_that_does_not_know_what_we_booked_is_named(done):
    order = done()
    set_to(Shipment, order, status="released")
    CarrierParcel.objects.all().delete()
    an_hour_passes()
    assert _sentence("booked_only_here") in reconcile()[0]


def test_other_units_than_were_ordered_are_named_by_their_sku(done):
    done()
    ReservationLine.objects.update(quantity=3)
    an_hour_passes()
    assert "it has 3 of TEAPOT for 1" in reconcile()[0]


def test_a_parcel_that_the_carrier_took_without_our_knowing_goes_on(place):
    """It was handed over, and our worker died before it could note that."""
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Shipment.objects.filter(status="released"))
    Parcel.objects.all().delete()
    CarrierParcel.objects.update(taken=utc_now())
    an_hour_passes()

    assert _sentence("parcel_rests") in reconcile("--repair")[0]
    pump()
    order.refresh_from_db()
    assert order.status == "completed"


def test_what_the_gateway_did_just_now_is_on_its_way_here(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(status="opened"))
    an_hour_passes()
    enters(order.pk, "authorised", 1999)
    assert reconcile() == ("", False)


def test_what_a_nudge_did_not_help_goes_to_the_desk(place):
    receive_stock({"TEAPOT": 1})
    order = place()
    pump_until(lambda: Payment.objects.filter(status="settled"))
    for left in (False, True):
        Parcel.objects.all().delete()
        an_hour_passes()
        assert reconcile("--repair")[1] is left
    assert {row.order_id for row in FailedOrder.objects.all()} == {order.pk}


def test_the_timeline_names_the_reconciler(place):
    receive_stock({"TEAPOT": 1})
    place()
    pump_until(lambda: Payment.objects.filter(status="settled"))
    Parcel.objects.all().delete()
    an_hour_passes()
    reconcile("--repair")
    assert {nudge.by for nudge in Nudge.objects.all()} == {"reconciler"}


def _sentence(cause):
    (check,) = [one for one in CHECKS if one.name == cause]
    return check.sentence


def test_every_check_that_leaves_it_to_a_person_was_seen_to():
    seen = {*SPOILED, *AFTERWARDS}
    assert seen == {one.name for one in CHECKS if one.remedy is PERSON}


# ---- how it runs
def test_by_night_it_repairs_by_itself(done):
    order = done()
    enters(order.pk, "refunded", 1999)
    StockItem.objects.update(received=10, sold=4)
    an_hour_passes()
    assert nightly() == "1 mended, 1 left"
    assert FailedOrder.objects.get().reason == "refunded_only_there"


@pytest.mark.parametrize(("since", "seen"), [("2999-01-01", False), ("2h", True)])
def test_only_what_is_young_enough_is_looked_at(done, since, seen):
    set_to(Payment, done(), amount_cents=1)
    an_hour_passes()
    assert reconcile("--since", since)[1] is seen


@pytest.mark.parametrize("unfinished", [Order, Payment, Shipment])
def test_however_old_what_is_unfinished_is_looked_at(done, unfinished):
    first = {Order: "paid", Payment: "opened", Shipment: "opened"}
    order = done()
    set_to(unfinished, order, status=first[unfinished])
    an_hour_passes()
    assert str(order.pk) in reconcile("--since", "2999-01-01")[0]


@pytest.mark.parametrize("who", ["gateway", "carrier"])
def test_however_old_an_order_what_others_do_with_it_is_looked_at(
    done, monkeypatch, who
):
    order = done()
    monkeypatch.setattr(looking, "first_id", lambda _moment: str(UUID(int=2**128 - 1)))
    DOES[who](order)
    minutes_pass(20)
    assert str(order.pk) in reconcile("--since", "30m")[0]
    minutes_pass(20)
    assert reconcile("--since", "30m") == ("", False)


DOES = {
    "gateway": lambda order: enters(order.pk, "refunded", 1999),
    "carrier": lambda _: CarrierParcel.objects.update(taken=None),
}


def test_a_time_that_is_none_is_refused_in_words():
    with pytest.raises(CommandError, match="2026-01-31"):
        call_command("reconcile", "--since", "yesterday")


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time():
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute(running.LOCK)
        with pytest.raises(CommandError, match="Somebody else reconciles"):
            call_command("reconcile")
        cursor.execute(running.UNLOCK)
    other.close()
    assert reconcile() == ("", False)


def test_a_page_of_orders_takes_as_many_statements_as_one(done):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            reconcile()
        return len(queries)

    done()
    one = statements()
    for _ in range(5):
        done()
    assert statements() == one
