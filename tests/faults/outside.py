"""The world outside, as it misbehaves: a gateway, a carrier, a text message service.

A test says what the next call does; what it did to the books stays done.
"""

from random import Random

from notifications.channels.port import Sms
from payments.gateways.port import UNANSWERED
from payments.gateways.simulated import SimulatedGateway
from shipping.carriers.simulated import SimulatedCarrier


class Mood:
    """What the next call outside does, and what happens here while it runs."""

    def __init__(self):
        self.texts = []
        self.forget()

    def forget(self):
        self.next = ""
        self.meanwhile = lambda: None

    def ask(self, call, things):
        """Make a call: it may break before, after, or say nothing afterwards."""
        mood, meanwhile = self.next, self.meanwhile
        self.forget()
        if mood == "breaks before":
            raise ConnectionResetError("The partner hung up.")
        answers = call(things)
        meanwhile()
        if mood == "breaks after":
            raise ConnectionResetError("The partner hung up, having done it.")
        return [UNANSWERED for _ in things] if mood == "silent" else answers


MOOD = Mood()
MOODS = ("", "breaks before", "breaks after", "silent")


class Gateway(SimulatedGateway):
    def authorise(self, charges):
        return MOOD.ask(super().authorise, charges)

    def capture(self, charges):
        return MOOD.ask(super().capture, charges)

    def refund_or_void(self, reversals):
        return MOOD.ask(super().refund_or_void, reversals)


class UnsteadyGateway(SimulatedGateway):
    """Breaks, or charges and does not say so, by chance; remembers who asked."""

    chance = Random(0)
    #: (operation, order, key) of everything asked, in order.
    asked = []

    def authorise(self, charges):
        return self._ask("authorise", super().authorise, charges)

    def capture(self, charges):
        return self._ask("capture", super().capture, charges)

    def refund_or_void(self, reversals):
        return self._ask("refund", super().refund_or_void, reversals)

    def _ask(self, operation, call, things):
        self.asked.extend((operation, one.order_id, one.key) for one in things)
        if self.chance.random() < 0.2:
            raise GatewayDownError
        answers = call(things)
        return [UNANSWERED if self.chance.random() < 0.2 else one for one in answers]


class GatewayDownError(Exception):
    """500 Internal Server Error."""


class Carrier(SimulatedCarrier):
    def book(self, parcels):
        MOOD.meanwhile()
        return super().book(parcels)

    def hand_over(self, parcels):
        MOOD.meanwhile()
        super().hand_over(parcels)


class TextMessages:
    def send(self, sms: Sms):
        MOOD.texts.append((sms.order_id, sms.milestone))
