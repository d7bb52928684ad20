"""No illegal move, whoever tries it; and a carrier that books once."""

from itertools import product

import pytest
from django.db import IntegrityError

from orders_project.messaging.events import new_id, utc_now
from shipping import lifecycle, rows
from shipping.carriers import carrier
from shipping.carriers.port import Parcel
from shipping.models import Shipment


@pytest.mark.django_db
def test_a_shipment_moves_only_as_the_table_says():
    pairs = {new_id(): pair for pair in product(lifecycle.SHIPMENT, repeat=2)}
    Shipment.objects.bulk_create(
        Shipment(order_id=order_id, status=source)
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
        for source, targets in lifecycle.SHIPMENT.items()
        for target in targets
    }


@pytest.mark.django_db
def test_the_database_refuses_a_status_that_is_not_in_the_table():
    with pytest.raises(IntegrityError, match="shipment_status"):
        Shipment.objects.create(order_id=new_id(), status="lost")


@pytest.mark.django_db
def test_booked_twice_a_parcel_has_one_tracking_number_and_no_other_has_it():
    one, other = (Parcel(order_id=new_id(), country="DE") for _ in range(2))

    first = carrier().book([one, other])

    assert carrier().book([one, other]) == first
    assert first[0].tracking != first[1].tracking


@pytest.mark.django_db
def test_the_carriers_books_say_what_it_has_and_when_that_changed():
    began = utc_now()
    booked, taken, unknown = (Parcel(order_id=new_id(), country="DE") for _ in range(3))
    carrier().book([booked, taken])
    carrier().hand_over([taken])
    (first,) = carrier().lookup([taken.order_id])
    carrier().hand_over([taken])
    carrier().book([taken])

    ids = [one.order_id for one in (booked, taken, unknown)]
    books = carrier().lookup(ids)

    assert [one.taken for one in books] == [False, True, False]
    assert [one.tracking[:2] for one in books] == ["SX", "SX", ""]
    assert books[1] == first
    assert first.changed > books[0].changed > began
    assert {*next(carrier().touched(began))} == {*ids[:2]}
    assert list(carrier().touched(first.changed)) == []
