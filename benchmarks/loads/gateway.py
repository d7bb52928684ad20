"""A gateway as far away as a real one: ten calls at a time, each of them slow."""

import time
from collections.abc import Sequence

from payments.gateways.port import Charge, Outcome
from payments.gateways.simulated import SimulatedGateway

CALL_SECONDS = 0.050
AT_ONCE = 10


class DistantGateway(SimulatedGateway):
    """What it answers is the simulator's; so is the time that it takes for it."""

    def authorise(self, charges: Sequence[Charge]) -> list[Outcome]:
        _travel(charges)
        return super().authorise(charges)

    def capture(self, charges: Sequence[Charge]) -> list[Outcome]:
        _travel(charges)
        return super().capture(charges)


def _travel(charges: Sequence[Charge]) -> None:
    time.sleep(CALL_SECONDS * -(-len(charges) // AT_ONCE))
