"""What may become of a notification. At most once: nothing leads back from sent.

By itself only `sending -> pending` goes back: what was surely not taken, since the
channel was not reached, would not take it now, or there was no time left to begin. A
worker that dies leaves `sending`: it may or may not have gone out. That, and what
failed, a person may have sent again, unless it confirms an order that was cancelled.
What comes to nothing is `withdrawn` by a cancellation, or `skipped` for want of an
address.
"""

PENDING = "pending"
SENDING = "sending"
SENT = "sent"
FAILED = "failed"
SKIPPED = "skipped"
WITHDRAWN = "withdrawn"

STATUSES = tuple(
    (status, status) for status in (PENDING, SENDING, SENT, FAILED, SKIPPED, WITHDRAWN)
)
