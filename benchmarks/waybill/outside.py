"""A gateway and a carrier whose books are kept elsewhere, as those of a real shop are.

The simulated ones write theirs into our database, five rows for each order, and no
other contestant has any. The same question always has the same answer here, so nothing
need be remembered; no order of the benchmark is ever called off.
"""

from collections.abc import Sequence

from payments.gateways.port import Charge, Outcome
from payments.gateways.simulated import SimulatedGateway
from shipping.carriers.port import Booking, Parcel
from shipping.carriers.simulated import SimulatedCarrier


class Gateway(SimulatedGateway):
    def authorise(self, charges: Sequence[Charge]) -> list[Outcome]:
        return [_done("authorised", charge) for charge in charges]

    def capture(self, charges: Sequence[Charge]) -> list[Outcome]:
        return [_done("captured", charge) for charge in charges]


def _done(state, charge: Charge) -> Outcome:
    return Outcome(state=state, reference=f"elsewhere-{charge.order_id}")


class Carrier(SimulatedCarrier):
    def book(self, parcels: Sequence[Parcel]) -> list[Booking]:
        return [Booking(carrier="Elsewhere", tracking=one.order_id) for one in parcels]

    def hand_over(self, parcels: Sequence[Parcel]) -> None:
        pass
