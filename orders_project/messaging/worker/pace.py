"""How messages gather: how many events make a batch, and how long its task then rests.

Orders that come close together travel as one batch from the first queue on; a batch
of several there tells that more are to come, and one that takes long of a busy system
(docs/adr/0011). Nobody waits for what is only recorded, nor behind it: there a batch
may be larger than a message.
"""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from orders_project.messaging.envelope import MAX_EVENTS
from orders_project.messaging.topology import (
    ANALYTICS_QUEUE,
    AUDIT_QUEUE,
    EMAIL_QUEUE,
    INVENTORY_QUEUE,
    NOTIFICATION_TASKS,
    SMS_QUEUE,
)


class Pace(NamedTuple):
    """At most `events` run in one transaction; then their task rests.

    It rests `times` as long as the batch took, for each event that was in it, but at
    most `longest` seconds, and only until its worker's hands are full.
    """

    events: int = MAX_EVENTS
    times: float = 0
    longest: float = 0

    def rest(self, took: float, events: int) -> float:
        return min(self.times * took * events, self.longest)


USUAL = Pace()
RECORDING = Pace(events=1_000, times=inf, longest=0.5)
PACES: Mapping[str, Pace] = {
    INVENTORY_QUEUE.name: Pace(times=6, longest=0.15),
    AUDIT_QUEUE.name: RECORDING,
    ANALYTICS_QUEUE.name: RECORDING,
    EMAIL_QUEUE.name: RECORDING,
    SMS_QUEUE.name: RECORDING,
    NOTIFICATION_TASKS.name: RECORDING,
}


def of(queue: str) -> Pace:
    return PACES.get(queue, USUAL)
