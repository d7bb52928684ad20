"""The reconciler beside orders that move: it says nothing that is not so."""

from datetime import timedelta
from itertools import cycle, islice

import pytest

from orders.models import Order
from orders_project.messaging.events import utc_now
from orders_project.reconciler import reconcile
from orders_project.reconciler.checks import NUDGE
from tests.awaiting import eventually
from tests.story.conftest import running

KINDS = (
    {},
    {"method": "cod"},
    {"payment_token": "tok_timeout_once"},
    {"payment_token": "tok_declined"},
    {"payment_token": "tok_unreachable"},
    {"sku": "KETTLE", "quantity": 4},
    {"called_off": True},
    {"payment_token": "tok_slow"},
)
#: Longer than a page takes: its books are read a moment before its rows.
GRACE = 3


@pytest.fixture
def system(broker, shop, quick):
    with running(**quick):
        yield shop


def place(system, *, called_off=False, **wanted):
    order_id = system.order(**wanted)
    if called_off:
        system.post(order_id, "cancel/")


def found():
    """Return what differs now. What waits in a queue may look as if it was lost."""
    reports = reconcile(utc_now() - timedelta(days=1), grace=GRACE, repair=False)
    return [finding for report in reports for finding in report.left]


def test_while_orders_move_nothing_is_given_back_and_nothing_left_to_people(system):
    told = []
    for wanted in islice(cycle(KINDS), 4 * len(KINDS)):
        place(system, **wanted)
        told += found()
    while Order.objects.filter(is_open=True).exists():
        told += found()
    eventually(at_rest, within=60, every=0.5)

    assert [str(one) for one in told if one.check.remedy is not NUDGE] == []
    assert found() == []
    system.verify()


def at_rest():
    """Whether what ended has ended for longer than the grace."""
    lately = utc_now() - timedelta(seconds=2 * GRACE)
    return not Order.objects.filter(updated_at__gt=lately).exists()
