"""What a channel must be able to do. A real text message service is one more class.

Name its class in the setting SMS_SENDER; it is made once for each run of
`delivery.deliver`, which sends chunk after chunk.
"""

from typing import NamedTuple, Protocol

from orders_project.messaging.events import Line


class UnreachableError(Exception):
    """The channel is not there, for no message. Trying again cannot send twice.

    An error that is neither this nor NotNowError means: perhaps it went out. Such a
    message is not sent again.
    """


class NotNowError(Exception):
    """One message was surely not taken, for now: another may be.

    It alone is tried again later, as often as the channel is where it is not reached.
    """


class Letter(NamedTuple):
    """What is to be said to whom. In the order of `delivery.CLAIM`."""

    id: int
    order_id: str
    milestone: str
    detail: str
    attempts: int
    address: str
    total_cents: int
    currency: str
    lines: tuple[Line, ...]

    @property
    def reference(self) -> str:
        """The end of the order's id: its beginning is the time and much alike."""
        return self.order_id[-8:]


class Channel(Protocol):
    """A way to a customer, open for one run over what is due."""

    def send(self, letter: Letter) -> None:
        """Hand it over; UnreachableError or NotNowError if it surely did not go out."""

    def close(self) -> None: ...


class Sms(NamedTuple):
    """A text message, with what it is about."""

    to: str
    text: str
    order_id: str
    milestone: str


class SmsSender(Protocol):
    """The port to a text message service."""

    def send(self, sms: Sms) -> None:
        """Hand it over; UnreachableError or NotNowError if it surely did not go out."""
