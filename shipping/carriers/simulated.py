"""A carrier for demos and tests. It keeps nothing: a tracking number is computed.

When it delivers is the setting CARRIER_DELIVERY_SECONDS (see services.hand_over).
"""

from collections.abc import Sequence
from uuid import UUID

from shipping.carriers.port import Booking, Parcel

NAME = "Simulated Express"


class SimulatedCarrier:
    """Keeps what `Carrier` promises."""

    def book(self, parcels: Sequence[Parcel]) -> list[Booking]:
        return [Booking(carrier=NAME, tracking=_tracking(parcel)) for parcel in parcels]

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        """Take them all: there is nothing to remember."""


def _tracking(parcel: Parcel) -> str:
    # The order's id again in letters: unique, and the same however often it is booked.
    return f"SX{UUID(parcel.order_id).hex.upper()}"
