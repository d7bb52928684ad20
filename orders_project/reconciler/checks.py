"""What may differ between apps, gateway and carrier, and what helps. To print and read.

A condition is SQL over the columns of one order's facts (looking.py): the statuses of
its order, payment, refund, reservation (`stock`) and shipment (`parcel`), `missing`
where there is none; what the gateway's books say: `held`, `taken`, `returned` in minor
units, and `closed` by a void; and where the carrier says its parcel is: `carried` is
missing, booked or taken. An order that moved lately is not looked at.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from inventory.services import recount
from orders.errors import InvalidTransitionError
from orders.services import cancel_order
from orders_project.messaging import nudging
from payments import refunds
from payments.refunds import REFUNDED_THERE


class Remedy(NamedTuple):
    """What to type, and what `--repair` does; without that, a person must decide.

    `left` is what is to be said of what a repair did not mend.
    """

    command: str
    mend: Callable[[Sequence[str]], object] | None = None
    left: str = "It is on the failed-order desk now"


class Check(NamedTuple):
    """A difference: its name on the desk, a sentence, and the SQL that finds it."""

    name: str
    sentence: str
    condition: str
    remedy: Remedy


def _nudge(order_ids: Sequence[str]) -> None:
    nudging.nudge(order_ids, by=nudging.RECONCILER)


def _call_off(order_ids: Sequence[str]) -> None:
    for order_id in order_ids:
        with suppress(InvalidTransitionError):  # it was shipped meanwhile
            cancel_order(order_id, reason=REFUNDED_THERE)


CALL_OFF = Remedy("manage.py reconcile --repair", _call_off)
NUDGE = Remedy("manage.py nudge {subject}", _nudge)
GIVE_BACK = Remedy("manage.py reconcile --repair", refunds.give_back)
GIVE_UP = Remedy("manage.py reconcile --repair", refunds.give_up)
RECOUNT = Remedy(
    "manage.py reconcile --repair",
    recount,
    "More is promised than was received: count what is there",
)
PERSON = Remedy("manage.py reconcile --repair puts it on the failed-order desk")

GIVEN_BACK_THERE = "Ask the gateway whose it is, and give it back there"
SENT_BACK = "Ask the carrier whose it is, and have it sent back"
NOBODY = Remedy(GIVEN_BACK_THERE, left=GIVEN_BACK_THERE)
COME_BACK = Remedy(SENT_BACK, left=SENT_BACK)

#: All money went back, and nothing has left the house.
STILL_HERE = (
    "taken > 0 AND returned >= taken"
    " AND order_status IN ('pending', 'paid') AND carried <> 'taken'"
)

CHECKS: Sequence[Check] = (
    # ---- the gateway and the payments
    Check(
        "charged_stranger",
        "the gateway took money for an order that is not here",
        "taken > returned AND order_status = 'missing'",
        NOBODY,
    ),
    Check(
        "charged_unknown",
        "the gateway took money, and no payment was ever opened here",
        "taken > returned AND order_status <> 'missing'"
        " AND (payment = 'missing' OR payment_method = '')",
        PERSON,
    ),
    Check(
        "charged_cash",
        "it is paid in cash, and the gateway charged for it as well",
        "payment_method = 'cod' AND taken > returned",
        PERSON,
    ),
    Check(
        "charged_late",
        "the gateway charged, and here that is not recorded",
        "payment IN ('opened', 'authorised') AND NOT closed"
        " AND (taken > returned OR (held > 0 AND payment = 'opened'))",
        NUDGE,
    ),
    Check(
        "voided_there",
        "the gateway voided it, and here the payment still waits",
        "payment IN ('opened', 'authorised') AND closed AND taken <= returned",
        GIVE_UP,
    ),
    Check(
        "captured_only_here",
        "here the money counts as captured, and the gateway took none",
        "payment = 'settled' AND payment_method = 'prepaid'"
        " AND taken = 0 AND amount > 0",
        PERSON,
    ),
    Check(
        "refunded_there",
        "the gateway gave all money back, and here the order goes on",
        f"payment = 'settled' AND {STILL_HERE}",
        CALL_OFF,
    ),
    Check(
        "refunded_only_there",
        "the gateway gave money back, and here that is not known",
        f"payment = 'settled' AND returned > 0 AND NOT ({STILL_HERE})",
        PERSON,
    ),
    Check(
        "amount_there",
        "the gateway took another amount than the payment's",
        "payment = 'settled' AND taken NOT IN (0, amount)",
        PERSON,
    ),
    Check(
        "amount_here",
        "the payment is not about the order's total",
        "payment_method <> '' AND amount <> total",
        PERSON,
    ),
    Check(
        "charged_after_the_end",
        "the payment has ended without money, and the gateway holds some",
        "payment IN ('failed', 'cancelled') AND payment_method = 'prepaid'"
        " AND refund IN ('missing', 'voided')"
        " AND (taken > returned OR (held > taken AND NOT closed))",
        GIVE_BACK,
    ),
    Check(
        "refunded_only_here",
        "here the money counts as given back, and the gateway still has it",
        "refund = 'refunded' AND taken > returned",
        PERSON,
    ),
    Check(
        "refund_rests",
        "the refund was requested, and there is no answer",
        "refund = 'requested'",
        NUDGE,
    ),
    Check(
        "payment_rests",
        "the payment was begun, and nothing goes on",
        "payment = 'due'"
        " OR (payment = 'opened' AND held = 0 AND taken = 0 AND NOT closed)"
        " OR (payment = 'authorised' AND taken = 0 AND NOT closed)",
        NUDGE,
    ),
    # ---- the orders and their payments
    Check(
        "success_unheard",
        "the money is ours, and the order does not know",
        "payment IN ('settled', 'collected') AND order_is_open AND NOT order_is_paid",
        NUDGE,
    ),
    Check(
        "failure_unheard",
        "the payment failed, and the order does not know",
        "payment = 'failed' AND order_is_open",
        NUDGE,
    ),
    Check(
        "cancellation_unheard_by_payment",
        "the order is cancelled, and the payment does not know",
        "order_status = 'cancelled'"
        " AND payment IN ('opened', 'authorised', 'settled', 'accepted')",
        NUDGE,
    ),
    Check(
        "delivery_unheard_by_payment",
        "the parcel is there, and the cash was not asked for",
        "parcel = 'delivered' AND payment = 'accepted'",
        NUDGE,
    ),
    Check(
        "paid_without_money",
        "the order counts as paid, and there is no money for it",
        "order_status <> 'cancelled' AND order_is_paid"
        " AND payment NOT IN ('settled', 'collected')",
        PERSON,
    ),
    # ---- the orders and their stock
    Check(
        "stock_not_asked_for",
        "the order waits, and nothing came of its reservation",
        "order_status = 'pending' AND (stock IN ('missing', 'refused', 'released')"
        " OR (stock = 'held' AND payment = 'missing'))",
        NUDGE,
    ),
    Check(
        "cancellation_unheard_by_stock",
        "the order is cancelled, and still has stock",
        "order_status = 'cancelled' AND stock IN ('held', 'committed')",
        NUDGE,
    ),
    Check(
        "success_unheard_by_stock",
        "the order is paid, and its stock is not sold",
        "order_status <> 'cancelled' AND order_is_paid AND stock = 'held'",
        NUDGE,
    ),
    Check(
        "stock_lost",
        "the order goes on, and has no stock",
        "order_status IN ('paid', 'shipped', 'completed')"
        " AND stock IN ('missing', 'refused', 'released')",
        PERSON,
    ),
    Check(
        "stock_uneven",
        "its stock is not what was ordered",
        "uneven IS NOT NULL",
        PERSON,
    ),
    # ---- the carrier and the parcels
    Check(
        "carried_stranger",
        "the carrier has a parcel of an order that is not here",
        "carried <> 'missing' AND order_status = 'missing'",
        COME_BACK,
    ),
    # A released one waits for our record of it: see parcel_rests.
    Check(
        "shipped_only_there",
        "the carrier took a parcel, and here it has not left",
        "carried = 'taken' AND order_status NOT IN ('missing', 'pending', 'paid')"
        " AND parcel NOT IN ('released', 'in_transit', 'delivered')",
        PERSON,
    ),
    # From a backup: all that was done since is done once more, under the same keys.
    Check(
        "shipped_since",
        "the carrier took a parcel, and here the order is not that far",
        "carried = 'taken' AND order_status IN ('pending', 'paid')"
        " AND parcel NOT IN ('released', 'in_transit', 'delivered')",
        NUDGE,
    ),
    Check(
        "shipped_only_here",
        "here the parcel has left, and the carrier never took it",
        "carried <> 'taken' AND parcel IN ('in_transit', 'delivered')",
        PERSON,
    ),
    Check(
        "booked_only_here",
        "here the parcel is booked, and the carrier does not know it by that number",
        "parcel IN ('prepared', 'released')"
        " AND (carried = 'missing' OR other_tracking)",
        PERSON,
    ),
    # ---- the orders and their parcels
    Check(
        "parcel_rests",
        "the order may leave, and its parcel does not",
        "parcel <> 'cancelled' AND (order_status = 'paid'"
        " OR (order_status = 'pending' AND payment = 'accepted')"
        " OR (order_status = 'shipped' AND parcel IN ('prepared', 'released')))",
        NUDGE,
    ),
    Check(
        "delivery_unheard",
        "the parcel is there, and the order does not know",
        "parcel = 'delivered' AND order_status = 'shipped'"
        " AND (order_is_paid OR NOT order_is_delivered)",
        NUDGE,
    ),
    Check(
        "cancellation_unheard_by_parcel",
        "the order is cancelled, and its parcel is made ready",
        "order_status = 'cancelled' AND parcel IN ('opened', 'prepared')",
        NUDGE,
    ),
    Check(
        "cancelled_parcel_left",
        "the order is cancelled, and its parcel has left",
        "order_status = 'cancelled'"
        " AND parcel IN ('released', 'in_transit', 'delivered')",
        PERSON,
    ),
    Check(
        "parcel_lost",
        "the order counts as shipped, and no parcel has left",
        "(order_status = 'completed' AND parcel <> 'delivered')"
        " OR (order_status = 'shipped'"
        " AND parcel IN ('missing', 'opened', 'cancelled'))"
        " OR (order_status = 'paid' AND parcel = 'cancelled')",
        PERSON,
    ),
    Check(
        "does_not_move",
        "its events were sent again and again, and nothing comes of it",
        "order_status IN ('pending', 'paid') AND nudges >= 6",
        PERSON,
    ),
)
#: What is found by sku, not by order.
DRIFT = Check(
    "stock_drifted",
    "the figures of this sku are not the sum of what orders hold and have bought",
    "see inventory/selectors.py",
    RECOUNT,
)
