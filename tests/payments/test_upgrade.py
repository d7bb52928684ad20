"""What an older release left in the table."""

import pytest
from django.db import IntegrityError, transaction

from orders_project.database import sql
from orders_project.messaging.events import new_id
from payments import services
from payments.lifecycle import OPEN, PAYMENT
from payments.models import Payment
from tests.upgrading import migrate

pytestmark = pytest.mark.django_db

BEFORE, AFTER = "0005_tries_of_sweeps", "0006_settled_at_once"
INSERT = """
    INSERT INTO payments_payment (order_id, status, method, updated, sweeps)
    SELECT order_id::uuid, status, 'prepaid', now() - interval '1 hour', 3
    FROM jsonb_to_recordset(%s) AS row(order_id text, status text)
"""


@pytest.fixture
def old():
    """Return an order for each status of the older release, which left them so."""
    migrate("payments", BEFORE)
    orders = {status: new_id() for status in (*PAYMENT, "captured")}
    rows = [{"order_id": one, "status": status} for status, one in orders.items()]
    sql.run(INSERT, [sql.rows(rows)])
    return orders


@pytest.mark.parametrize("way", [[AFTER], [AFTER, BEFORE, AFTER]])
def test_what_was_captured_is_captured_again_and_all_else_stays(old, way):
    for name in way:
        migrate("payments", name)

    found = {str(payment.order_id): payment for payment in Payment.objects.all()}
    now = {status: found[one] for status, one in old.items()}
    again = now.pop("captured")
    assert (again.status, again.sweeps) == ("authorised", 0)
    assert all(payment.status == status for status, payment in now.items())
    assert {status for status, payment in now.items() if payment.is_open} == {*OPEN}
    assert services.resume([old["captured"]]) == [("prepaid", old["captured"])]


def test_an_old_worker_that_still_captures_is_refused_and_not_believed(old):
    migrate("payments", AFTER)
    with pytest.raises(IntegrityError, match="payment_status"), transaction.atomic():
        Payment.objects.filter(pk=old["authorised"]).update(status="captured")
