"""Why a message could not be handled. An expected outcome is an event, not an error."""

from collections.abc import Mapping


class MessagingError(Exception):
    """The base of what this package raises."""


class RetryLater(MessagingError):  # noqa: N818 - `raise RetryLater` says what to do
    """Not now: the prerequisite is not there yet, or a partner did not answer.

    `of` tells of which orders of a batch it is true, and why, by their ids. The others
    are handled together without them; else the batch is cut until the one is alone.
    """

    def __init__(self, text: str = "", *, of: Mapping[str, str] | None = None) -> None:
        self.of = of or {}
        super().__init__(text or next(iter(self.of.values()), ""))


class Poison(MessagingError):  # noqa: N818 - the word of the trade
    """Never: no retry can mend this message. It is parked in dead.letter.queue."""


class Outage(MessagingError):  # noqa: N818 - not the error of a message
    """The database or the broker is gone: nobody's fault, so no attempt is counted."""


class OutsideTransactionError(MessagingError):
    """The outbox only takes events inside the transaction that makes them true."""


class UnansweredError(MessagingError):
    """Nobody answered a question in time."""
