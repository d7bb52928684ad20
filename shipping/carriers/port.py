"""What we ask of a carrier. A real one is one more class: see docs/your-shop.md."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class CarrierError(Exception):
    """The carrier did not take a parcel, or could not be reached.

    Any error of an adapter is retried, and in the end parked; this one says in words
    what happened.
    """


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier is to take, and where to. `tracking` is empty before booking."""

    order_id: str
    country: str
    tracking: str = ""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """The carrier's own name for a parcel."""

    carrier: str
    tracking: str


class Consignment(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier's books say of an order's parcel; without `tracking` nothing.

    `taken` once it was handed over; `changed` is when one of both was written.
    """

    tracking: str = ""
    taken: bool = False
    changed: datetime | None = None


class Carrier(Protocol):
    """A carrier that is asked for many parcels at once, outside any transaction.

    Booking and handing over may come again for the same order and must change nothing
    the second time. After a CarrierError the parcels are asked for again in fifties,
    then one by one.

    The setting CARRIER names the class, and it is made anew for each call: connections
    that are to be kept belong to its module.

    When a parcel is delivered is not asked here. With CARRIER_DELIVERY_SECONDS=none it
    is once the carrier's tracking, or the customer, has called
    `POST /api/orders/ID/confirm-delivery/`; with a number every parcel is after that
    many seconds, a real one too, and cash counts as collected then.
    """

    def book(self, parcels: Sequence[Parcel]) -> Sequence[Booking]:
        """Return a booking for each parcel, in the same order."""

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        """Tell that these booked parcels are ready to be taken away."""

    def touched(self, since: datetime) -> Iterator[Sequence[str]]:
        """Yield, in pages, the orders that were booked since then.

        Who reconciles finds by it what the carrier has and nobody here knows of.
        """

    def lookup(self, order_ids: Sequence[str]) -> Sequence[Consignment]:
        """Return what the carrier's books say of each order. Changes nothing."""
