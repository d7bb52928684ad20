"""What may become of a notification. At most once: nothing leads back from sent.

By itself only `sending -> pending` goes back: when the channel could not be reached at
all, so that nothing was handed over. A worker that dies leaves `sending`: it may or may
not have gone out. That, and what failed, a person may have sent again, unless it
confirms an order that was cancelled.
"""

from collections.abc import Mapping

PENDING = "pending"
SENDING = "sending"
SENT = "sent"
FAILED = "failed"
SKIPPED = "skipped"
WITHDRAWN = "withdrawn"

TRANSITIONS: Mapping[str, frozenset[str]] = {
    PENDING: frozenset({SENDING, WITHDRAWN}),
    SENDING: frozenset({SENT, FAILED, SKIPPED, PENDING, WITHDRAWN}),
    SENT: frozenset(),
    FAILED: frozenset({PENDING, WITHDRAWN}),
    SKIPPED: frozenset(),
    WITHDRAWN: frozenset(),
}
STATUSES = tuple((status, status) for status in TRANSITIONS)
