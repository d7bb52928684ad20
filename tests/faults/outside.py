"""The world outside, as it misbehaves: a gateway, a carrier, a text message service.

A test says what the next call does; what it did to the books stays done.
"""

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


class Carrier(SimulatedCarrier):
    def book(self, parcels):
        MOOD.meanwhile()
        return super().book(parcels)

    def hand_over(self, parcels):
        MOOD.meanwhile()


class TextMessages:
    def send(self, sms: Sms):
        MOOD.texts.append((sms.order_id, sms.milestone))
