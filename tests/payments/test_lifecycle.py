"""No illegal move, whoever tries it."""

from itertools import product

import pytest
from django.db import IntegrityError

from orders_project.messaging.events import new_id
from payments import lifecycle, rows
from payments.models import Payment


@pytest.mark.django_db
def test_a_payment_moves_only_as_the_table_says():
    pairs = {new_id(): pair for pair in product(lifecycle.PAYMENT, repeat=2)}
    Payment.objects.bulk_create(
        Payment(order_id=order_id, status=source)
        for order_id, (source, _) in pairs.items()
    )

    moved = rows.move(
        [
            {"order_id": order_id, "status": target}
            for order_id, (_, target) in pairs.items()
        ]
    )

    assert {pairs[row.order_id] for row in moved} == {
        (source, target)
        for source, targets in lifecycle.PAYMENT.items()
        for target in targets
    }


@pytest.mark.parametrize("table", [lifecycle.PAYMENT, lifecycle.REFUND])
def test_every_status_that_may_follow_is_in_the_table(table):
    assert {target for targets in table.values() for target in targets} <= set(table)


@pytest.mark.django_db
def test_the_database_refuses_a_status_that_is_not_in_the_table():
    with pytest.raises(IntegrityError, match="payment_status"):
        Payment.objects.create(order_id=new_id(), status="lost")
