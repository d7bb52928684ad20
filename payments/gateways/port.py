"""What we ask of a payment gateway. A real one is one more class: docs/your-shop.md."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

State = Literal[
    "authorised", "captured", "voided", "refunded", "declined", "unanswered"
]


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """An amount (minor units) to authorise or capture, under an idempotency key.

    `reference` is what the gateway called it when it authorised; empty before.
    """

    key: str
    order_id: str
    amount_cents: int
    currency: str
    token: str
    reference: str = ""


class Reversal(msgspec.Struct, frozen=True, kw_only=True):
    """Everything charged for an order is to be undone, under an idempotency key."""

    key: str
    order_id: str
    reference: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a Charge or a Reversal.

    `declined` carries a reason of one word. `unanswered` means that nobody knows:
    it may have happened, and only the same key asked again can tell.
    """

    state: State
    reason: str = ""
    reference: str = ""


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway's books say of an order, in minor units; `closed` by a void.

    `changed` is when the last entry was made.
    """

    authorised_cents: int = 0
    captured_cents: int = 0
    refunded_cents: int = 0
    closed: bool = False
    reference: str = ""
    changed: datetime | None = None


UNANSWERED = Outcome(state="unanswered")


class PaymentGateway(Protocol):
    """A gateway that is asked for many orders at once, outside any transaction.

    Each method returns one answer for each thing asked, in the same order, so that
    an adapter of a real gateway may use a thread pool, and the simulator one
    statement. A time-out is the Outcome `unanswered`, never an exception: one slow
    charge must not take its neighbours down. Up to 500 are asked for at once, and an
    adapter has 20 s for them (CELERY_TASK_SOFT_TIME_LIMIT): what it leaves unanswered
    by then is asked for again, but what it takes longer for comes again in parts.

    The setting PAYMENT_GATEWAY names the class, and it is made anew for each call: a
    thread pool and connections that are to be kept belong to its module.

    The same key always gets the first answer again, and nothing is charged twice.
    """

    def authorise(self, charges: Sequence[Charge]) -> Sequence[Outcome]:
        """Have the amounts held on the customers' accounts.

        After `unanswered` it is asked again with the same key, and no other.
        """

    def capture(self, charges: Sequence[Charge]) -> Sequence[Outcome]:
        """Take what is held. `declined` once the order was undone.

        After `unanswered` it is asked again with the same key, and no other.
        """

    def refund_or_void(self, reversals: Sequence[Reversal]) -> Sequence[Outcome]:
        """Give back what was captured, else release what is held.

        `refunded` if money was captured at any time, `voided` if none ever was, and
        in both cases a charge that arrives later is declined. After `unanswered` it is
        asked again with the same key until there is an answer. A new key comes for a
        charge that landed later, perhaps before the old one has its answer: so a key
        gives back what is still there, and never a sum that another may have given.
        """

    def touched(self, since: datetime) -> Iterator[Sequence[str]]:
        """Yield, in pages, the orders of which the books have an entry since then.

        Who reconciles finds by it what was charged and never heard of here.
        """

    def lookup(self, order_ids: Sequence[str]) -> Sequence[Balance]:
        """Return what the gateway's books say of each order. Changes nothing."""
