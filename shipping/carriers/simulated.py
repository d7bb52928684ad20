"""A carrier for demos and tests, with real books: one statement for any number.

When it delivers is the setting CARRIER_DELIVERY_SECONDS (see services.hand_over).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from orders_project.database import sql
from orders_project.messaging.events import utc_now
from shipping.carriers.ledger import CarrierParcel
from shipping.carriers.port import Booking, Consignment, Parcel

NAME = "Simulated Express"
#: How many orders `touched` yields at a time.
PAGE = 2000

ENTER = """
    INSERT INTO carrier_parcel AS c (order_id, tracking, taken)
    SELECT order_id, tracking, taken FROM jsonb_to_recordset(%s)
        AS p(order_id uuid, tracking text, taken timestamptz) ORDER BY order_id
    ON CONFLICT (order_id) DO UPDATE SET taken = excluded.taken
        WHERE c.taken IS NULL AND excluded.taken IS NOT NULL
"""
LOOKUP = """
    SELECT order_id::text, tracking, taken IS NOT NULL, coalesce(taken, booked)
    FROM carrier_parcel WHERE order_id = ANY(%s::uuid[])
"""


class SimulatedCarrier:
    """Keeps what `Carrier` promises, in the table of ledger.py."""

    def book(self, parcels: Sequence[Parcel]) -> list[Booking]:
        _enter(parcels, taken=None)
        return [Booking(carrier=NAME, tracking=_tracking(parcel)) for parcel in parcels]

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        _enter(parcels, taken=utc_now())

    def touched(self, since: datetime) -> Iterator[list[str]]:
        booked = CarrierParcel.objects.filter(booked__gte=since).order_by()
        ids = map(str, booked.values_list("order_id", flat=True).iterator(PAGE))
        while page := list(islice(ids, PAGE)):
            yield page

    def lookup(self, order_ids: Sequence[str]) -> list[Consignment]:
        found = {
            one: Consignment(tracking=tracking, taken=taken, changed=changed)
            for one, tracking, taken, changed in sql.fetch(LOOKUP, [list(order_ids)])
        }
        return [found.get(order_id, Consignment()) for order_id in order_ids]


def _enter(parcels: Sequence[Parcel], *, taken: datetime | None) -> None:
    rows = (
        {"order_id": one.order_id, "tracking": _tracking(one), "taken": taken}
        for one in parcels
    )
    if parcels:
        sql.run(ENTER, [sql.rows(rows)])


def _tracking(parcel: Parcel) -> str:
    # The order's id again in letters: unique, and the same however often it is booked.
    return f"SX{UUID(parcel.order_id).hex.upper()}"
