"""What tests can ask of the handlers in crooked.py: an amount means a behaviour."""

from billiard.exceptions import SoftTimeLimitExceeded

from orders_project.messaging.topology import FAILED_ORDER_QUEUE

FINE, POISONED, TOO_EARLY, DEADLY, STUCK, CUT_OFF = range(6)
#: A payment that kills whoever refunds it.
KILLER = "019aa000-0000-7000-8000-000000000000"
#: As often does CUT_OFF wait for the end of its worker's connection.
CUTS = 6
#: After the refund of these Celery fails to send the chain's next step: with what.
SILENT, CLOSED, HOPELESS = (
    f"019aa000-0000-7000-8000-00000000000{last}" for last in "123"
)
UNSENT: dict[str, list[Exception]] = {
    SILENT: [SoftTimeLimitExceeded(20), TimeoutError("timed out")],
    CLOSED: [OSError("Server unexpectedly closed connection")],
    HOPELESS: [TypeError("of no connection")],
}
QUEUE = FAILED_ORDER_QUEUE
