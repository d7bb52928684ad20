"""F16: any order of deliveries, duplicates, crashes and requests, and nothing is lost.

In the end of each run of Hypothesis everything is delivered, and every promise holds.
`bin/faults --nightly` runs more and longer ones.
"""

import pytest
from celery import current_app
from hypothesis import HealthCheck
from hypothesis import settings as chosen
from hypothesis.stateful import run_state_machine_as_test

from orders_project.messaging import relay
from tests.faults.machine import Shop
from tests.faults.paper import PaperBroker


@pytest.fixture
def on_paper(db, monkeypatch, settings):
    """Celery publishes on paper; partners and clocks are the machine's."""
    monkeypatch.setattr(current_app.amqp, "_producer_pool", PaperBroker())
    monkeypatch.setattr(relay, "HANDFUL", 1)
    settings.PAYMENT_GATEWAY = "tests.faults.outside.Gateway"
    settings.CARRIER = "tests.faults.outside.Carrier"
    settings.SMS_SENDER = "tests.faults.outside.TextMessages"
    settings.SIMULATED_SLOW_SECONDS = 0
    settings.CONFIRMATION_DELAY_SECONDS = 3600


@pytest.mark.timeout(6 * 60 * 60)
def test_whatever_happens_in_whatever_order_nothing_is_lost_or_doubled(on_paper):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Shop, settings=chosen(deadline=None, suppress_health_check=quiet)
    )
