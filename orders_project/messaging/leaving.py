"""A process that is told to stop is gone within ten seconds, whatever it waits for.

What it has begun it may finish. What is cut off was neither committed nor acknowledged:
the broker delivers it again, and the parcel is still in the outbox.
"""

import logging
import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from billiard.process import active_children

logger = logging.getLogger(__name__)

#: Below the 10 s after which supervisor and Docker kill (deploy/local/processes.py):
#: Celery has no limit of its own, and a silent or blocked broker would be waited for.
SECONDS = 7


def leave_in_time(**_signal: object) -> None:
    """Let this process go on for a few seconds more, and not a moment longer."""
    limit = threading.Timer(SECONDS, _cut_off)
    # A process that ends by itself must not wait for it.
    limit.daemon = True
    limit.start()


def leave_in_time_at_term(**_signal: object) -> None:
    """Have TERM set the limit too, beside what it is made to do now."""
    before: Any = signal.getsignal(signal.SIGTERM)

    def told(number: int, frame: FrameType | None) -> None:
        leave_in_time()
        before(number, frame)

    signal.signal(signal.SIGTERM, told)


def _cut_off() -> None:
    logger.warning(
        "Not finished %d s after it was told to stop, and cut off: what it had begun "
        "comes again.",
        SECONDS,
    )
    # Else they would go on with work that somebody else gets now.
    for child in active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)  # type: ignore[arg-type]
    # Not sys.exit: the main thread may wait for ever.
    os._exit(0)
