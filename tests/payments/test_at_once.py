"""Several workers on the same orders at once, each with a connection of its own."""

from random import Random

import pytest

from orders_project.messaging.events import PaymentRefunded, PaymentSucceeded
from payments.models import GatewayEntry, Payment, Refund
from tests.bus import pump, said
from tests.payments.scene import cancelled, charge, hears, net_cents, reserved
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def shuffled(events, seed):
    return Random(seed).sample(events, len(events))


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_while_it_is_opened_and_charged_nothing_stays_taken(seed, rungs):
    events = [reserved() for _ in range(30)]
    ids = [event.order_id for event in events]
    at_once(
        lambda: hears(*events),
        lambda: charge(*shuffled(ids, seed)),
        lambda: hears(*map(cancelled, shuffled(events, seed))),
        lambda: charge(*shuffled(ids, seed + 1)),
        lambda: charge(*shuffled(ids, seed), steps=["refund"]),
    )
    pump()

    assert not rungs, "a deadlock would be retried"
    assert {payment.status for payment in Payment.objects.all()} == {"cancelled"}
    assert not any(map(net_cents, events))
    assert not Refund.objects.filter(status="requested").exists()
    refunded = GatewayEntry.objects.filter(state="refunded", amount_cents__gt=0).count()
    assert len(said(PaymentRefunded)) == refunded


def test_chains_that_run_beside_each_other_charge_once(rungs):
    events = [reserved() for _ in range(30)]
    ids = [event.order_id for event in events]
    hears(*events)
    at_once(*(lambda seed=seed: charge(*shuffled(ids, seed)) for seed in range(3)))
    pump()

    assert not rungs
    assert GatewayEntry.objects.filter(state="captured").count() == 30
    assert len(said(PaymentSucceeded)) == 30
