"""What an older release left in the table."""

import pytest

from orders_project.database import sql
from orders_project.messaging.events import new_id
from shipping import services
from shipping.models import Shipment
from tests.upgrading import migrate

pytestmark = pytest.mark.django_db

BOOKED = """
    INSERT INTO shipping_shipment (order_id, status, tracking, sweeps)
    VALUES (%s, 'booked', 'WB1', 3)
"""


def test_what_was_only_booked_is_booked_again_under_its_number():
    migrate("shipping", "0004_tries_of_sweeps")
    sql.run(BOOKED, [order_id := new_id()])
    migrate("shipping", "0005_prepared_at_once")

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.sweeps) == ("opened", 0)
    assert (shipment.tracking, shipment.is_open) == ("WB1", True)
    assert services.resume([order_id]) == [("preparation", order_id)]

    migrate("shipping", "0004_tries_of_sweeps")
    assert Shipment.objects.get().is_open
