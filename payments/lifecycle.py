"""Which status of a payment, and of a refund, may follow which. Plain tables.

A prepaid payment goes opened, authorised, settled; cash on delivery goes opened,
accepted, due (the parcel is there), collected. `voiding` is a payment that
was given up while the gateway must still confirm that it holds no money.
"""

from collections.abc import Mapping, Sequence

OPENED = "opened"
AUTHORISED = "authorised"
SETTLED = "settled"
ACCEPTED = "accepted"
DUE = "due"
COLLECTED = "collected"
VOIDING = "voiding"
FAILED = "failed"
CANCELLED = "cancelled"

PAYMENT: Mapping[str, Sequence[str]] = {
    OPENED: (AUTHORISED, ACCEPTED, VOIDING, FAILED, CANCELLED),
    AUTHORISED: (SETTLED, VOIDING, CANCELLED),
    SETTLED: (CANCELLED,),
    ACCEPTED: (DUE, CANCELLED),
    DUE: (COLLECTED,),
    COLLECTED: (),
    VOIDING: (FAILED,),
    FAILED: (),
    CANCELLED: (),
}

REQUESTED = "requested"
VOIDED = "voided"
REFUNDED = "refunded"

#: A voided refund is requested again when a charge lands after it.
REFUND: Mapping[str, Sequence[str]] = {
    REQUESTED: (VOIDED, REFUNDED, REQUESTED),
    VOIDED: (REQUESTED,),
    REFUNDED: (),
}

#: Where a task of ours is at work: what stalls here is started again.
MOVING: Sequence[str] = (OPENED, AUTHORISED, DUE)

#: What has not come to its end; a settled payment is only touched by a refund.
OPEN: Sequence[str] = (OPENED, AUTHORISED, ACCEPTED, DUE, VOIDING)
