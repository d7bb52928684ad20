"""Orders as the system says them: logged, and heard by the audit."""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import transaction

from audit import tasks  # noqa: F401 - what the queues run
from orders_project.messaging import outbox
from orders_project.messaging.events import (
    OrderCancelled,
    OrderCompleted,
    OrderPaid,
    OrderShipped,
)
from orders_project.messaging.topology import AUDIT_QUEUE
from tests import events
from tests.bus import hear

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


created = partial(
    events.created, country="LK", category="tea", email="gayal@example.org"
)


def story(end=OrderCompleted, **data):
    """Return the events of one order, from its creation to the end."""
    first = created(**data)
    paid = first.then(OrderPaid, total_cents=3998, currency="USD")
    if end is OrderCancelled:
        return [first, paid, paid.then(OrderCancelled, reason="customer")]
    shipped = paid.then(OrderShipped, tracking="WB-1")
    return [first, paid, shipped, shipped.then(OrderCompleted)]


def say(*events):
    with transaction.atomic():
        outbox.append(*events)


def record(*events):
    hear(AUDIT_QUEUE, *events)


@pytest.fixture
def recorded():
    """One order whose four events were said and recorded."""
    events = story()
    say(*events)
    record(*events)
    return events
