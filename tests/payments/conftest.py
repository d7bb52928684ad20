"""Only this app hears in these tests: the others know nothing of the orders here."""

import pytest

from orders_project.messaging.hearing import HEARS
from orders_project.messaging.topology import PAYMENT_QUEUE


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    ours = {key: HEARS[key] for key in HEARS if key[0] == PAYMENT_QUEUE.name}
    monkeypatch.setattr("tests.bus.HEARS", ours)
