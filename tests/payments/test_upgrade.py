"""What an older release left in the table."""

import pytest

from orders_project.messaging import sql
from orders_project.messaging.events import new_id
from payments import services
from payments.models import Payment
from tests.upgrading import migrate

pytestmark = pytest.mark.django_db

BEFORE, AFTER = "0005_tries_of_sweeps", "0006_captured_is_the_end"
INSERT = """
    INSERT INTO payments_payment (order_id, status, method, updated, sweeps)
    SELECT order_id::uuid, status, 'prepaid', now() - interval '1 hour', 3
    FROM jsonb_to_recordset(%s) AS row(order_id text, status text)
"""


@pytest.fixture
def old():
    """Return an order for each status of the older release, which left them so."""
    migrate("payments", BEFORE)
    statuses = ("opened", "authorised", "captured", "settled", "cancelled")
    orders = {status: new_id() for status in statuses}
    rows = [{"order_id": one, "status": status} for status, one in orders.items()]
    sql.run(INSERT, [sql.rows(rows)])
    return orders


def test_what_counted_as_ours_is_captured_and_what_did_not_yet_is_captured_again(old):
    migrate("payments", AFTER)

    now = {status: Payment.objects.get(pk=one) for status, one in old.items()}
    assert now["settled"].status == "captured"
    assert not now["settled"].is_open
    assert (now["captured"].status, now["captured"].sweeps) == ("authorised", 0)
    assert [now[same].status for same in ("opened", "cancelled")] == [
        "opened",
        "cancelled",
    ]
    resumed = services.resume([old["captured"], old["settled"]])
    assert resumed == [("prepaid", old["captured"])]


def test_the_way_back_knows_settled_money(old):
    migrate("payments", AFTER)
    migrate("payments", BEFORE)

    found = dict(sql.fetch("SELECT order_id::text, status FROM payments_payment", []))
    assert (found[old["settled"]], found[old["captured"]]) == ("settled", "authorised")
