"""What this app does when it hears something: record it, and count it."""

from collections.abc import Sequence

from audit import services
from orders_project.messaging.envelope import Written
from orders_project.messaging.events import EVENTS, Event
from orders_project.messaging.hearing import hears
from orders_project.messaging.topology import ANALYTICS_QUEUE, AUDIT_QUEUE


@hears(*EVENTS.values(), on=AUDIT_QUEUE, inbox=False, as_written=True)
def record(written: Sequence[Written]) -> None:
    """Record every event there is, each once, in its order's chain."""
    services.record(written)


@hears(*services.FACTS, on=ANALYTICS_QUEUE, inbox=False)
def measure(events: Sequence[Event]) -> None:
    """Note the milestones of orders for the figures."""
    services.measure(events)
