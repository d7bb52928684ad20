"""One private system for all faults: to start it takes longer than most of them."""

import pytest
from celery import current_app

from orders_project.messaging import packing
from tests.faults.paper import PaperBroker
from tests.faults.rig import rig


@pytest.fixture(scope="package")
def running():
    with rig() as ours:
        yield ours


@pytest.fixture
def on_paper(transactional_db, monkeypatch, settings):
    """Celery publishes on paper; partners and clocks are the machine's."""
    monkeypatch.setattr(current_app.amqp, "_producer_pool", PaperBroker())
    monkeypatch.setattr(packing, "HANDFUL", 1)
    monkeypatch.setattr(packing, "GRIP", 1)
    settings.PAYMENT_GATEWAY = "tests.faults.outside.Gateway"
    settings.CARRIER = "tests.faults.outside.Carrier"
    settings.SMS_SENDER = "tests.faults.outside.TextMessages"
    settings.SIMULATED_SLOW_SECONDS = 0
    settings.CARRIER_DELIVERY_SECONDS = settings.CONFIRMATION_DELAY_SECONDS = 3600
