"""What the simulated gateway promises, whatever we do to it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from orders_project.messaging.events import new_id
from payments.gateways import simulated
from payments.gateways.port import Charge, Reversal
from payments.gateways.simulated import (
    InsideTransactionError,
    SimulatedGateway,
)
from payments.models import GatewayEntry

pytestmark = pytest.mark.django_db
gateway = SimulatedGateway()


def charge(token="tok_ok", order_id=None, key=None, cents=500):
    order_id = order_id or new_id()
    return Charge(
        key=key or f"{order_id}:charge",
        order_id=order_id,
        amount_cents=cents,
        currency="USD",
        token=token,
    )


def capture_of(held):
    return charge(held.token, held.order_id, f"{held.order_id}:capture")


def reversal_of(held, attempt=1):
    return Reversal(key=f"{held.order_id}:refund:{attempt}", order_id=held.order_id)


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def test_answers_come_one_for_one_in_the_order_asked(settings):
    settings.SIMULATED_SLOW_SECONDS = 0
    tokens = ["tok_declined", "tok_ok", "tok_unreachable", "tok_slow", "tok_stolen"]
    charges = [charge(token) for token in tokens]
    outcomes = gateway.authorise(charges)

    assert states(outcomes) == [
        "declined",
        "authorised",
        "unanswered",
        "authorised",
        "declined",
    ]
    assert [outcome.reason for outcome in outcomes if outcome.reason] == [
        "declined",
        "unknown_token",
    ]


def test_slow_tokens_hold_up_a_batch_once(monkeypatch, settings):
    naps = []
    settings.SIMULATED_SLOW_SECONDS = 7
    monkeypatch.setattr(simulated.time, "sleep", naps.append)

    gateway.authorise([charge("tok_slow"), charge("tok_slow"), charge()])

    assert naps == [7]


def test_the_same_key_always_gets_the_same_answer():
    held = charge()
    first = gateway.authorise([held, held])
    second = gateway.authorise([held])

    assert [*first, *second] == [first[0]] * 3
    assert GatewayEntry.objects.count() == 1


def test_a_first_call_may_charge_and_time_out():
    held = charge("tok_timeout_once")

    assert states(gateway.authorise([held])) == ["unanswered"]
    assert gateway.lookup([held.order_id])[0].authorised_cents == 500
    assert states(gateway.authorise([held])) == ["authorised"]
    assert GatewayEntry.objects.count() == 1


def test_an_unreachable_gateway_enters_nothing():
    assert states(gateway.authorise([charge("tok_unreachable")])) == ["unanswered"]
    assert not GatewayEntry.objects.exists()


def test_what_is_not_held_cannot_be_captured():
    held = charge()
    assert gateway.capture([held])[0].reason == "not_authorised"


def test_a_second_capture_under_another_key_finds_nothing_to_take():
    held = charge()
    gateway.authorise([held])
    gateway.capture([capture_of(held)])
    again = charge(order_id=held.order_id, key="another")

    assert gateway.capture([again])[0].reason == "not_authorised"
    assert gateway.lookup([held.order_id])[0].captured_cents == 500


def test_a_void_refuses_every_later_charge():
    held = charge()
    gateway.authorise([held])

    assert states(gateway.refund_or_void([reversal_of(held)])) == ["voided"]
    assert gateway.capture([capture_of(held)])[0].reason == "voided"
    assert gateway.lookup([held.order_id])[0].closed


def test_a_void_of_what_never_came_refuses_it_when_it_comes():
    held = charge()
    gateway.refund_or_void([reversal_of(held)])

    assert gateway.authorise([held])[0].reason == "voided"


def test_money_that_was_captured_goes_back_once():
    held = charge()
    gateway.authorise([held])
    gateway.capture([capture_of(held)])

    once = gateway.refund_or_void([reversal_of(held)])
    again = gateway.refund_or_void([reversal_of(held), reversal_of(held, attempt=2)])

    assert states([*once, *again]) == ["refunded"] * 3
    balance = gateway.lookup([held.order_id])[0]
    assert (balance.captured_cents, balance.refunded_cents) == (500, 500)


def test_an_order_it_does_not_know_has_an_empty_balance():
    (balance,) = gateway.lookup([new_id()])
    assert (balance.authorised_cents, balance.closed, balance.reference) == (
        0,
        False,
        "",
    )


def test_it_refuses_to_be_called_inside_a_transaction():
    with (
        pytest.raises(InsideTransactionError, match="call the gateway, and only then"),
        transaction.atomic(),
    ):
        gateway.authorise([charge()])


def test_a_batch_of_any_size_takes_two_statements(django_assert_num_queries):
    charges = [charge() for _ in range(100)]
    for call in (gateway.authorise, gateway.authorise):
        # Two savepoint statements are the test's own transaction.
        with django_assert_num_queries(4):
            call(charges)


@pytest.mark.django_db(transaction=True)
def test_a_capture_and_a_void_at_the_same_moment_end_with_nothing_taken():
    held = [charge() for _ in range(20)]
    gateway.authorise(held)
    together(
        lambda: gateway.capture([capture_of(one) for one in held]),
        lambda: gateway.refund_or_void([reversal_of(one) for one in reversed(held)]),
    )

    balances = gateway.lookup([one.order_id for one in held])
    assert all(one.captured_cents == one.refunded_cents for one in balances)


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_keys_charge_once():
    held = [charge() for _ in range(20)]
    answers = together(
        lambda: gateway.authorise(held),
        lambda: gateway.authorise(held[::-1])[::-1],
    )

    assert answers[0] == answers[1]
    assert GatewayEntry.objects.count() == 20


def together(*calls):
    """Make the calls at the same moment, each on a connection of its own."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, c) for c in calls]]
