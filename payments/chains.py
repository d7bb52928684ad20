"""Which Celery tasks follow one another, and how a chain of them is started."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from celery import chain, signature

from orders_project.messaging import outbox
from orders_project.messaging.envelope import MAX_EVENTS

#: A payment's own chain has the name of its method; the others finish or undo it.
CHAINS: Mapping[str, Sequence[str]] = {
    "prepaid": ("authorise", "capture", "settle"),
    "cod": ("accept",),
    "collection": ("collect",),
    "refund": ("refund",),
}
METHODS = ("prepaid", "cod")
#: So many orders go through a chain together.
TOGETHER = MAX_EVENTS

Job = tuple[str, int, str]


def start(jobs: Iterable[Job], *, after: float = 0) -> None:
    """Have chains run after the commit. A job is (name of the chain, priority, order).

    Jobs of one name and priority share a chain; it starts after so many seconds.
    """
    for (name, priority), group in groupby(sorted(jobs), key=itemgetter(0, 1)):
        order_ids = [order_id for *_, order_id in group]
        for begin in range(0, len(order_ids), TOGETHER):
            _send(name, priority, order_ids[begin : begin + TOGETHER], after)


def _send(name: str, priority: int, order_ids: Sequence[str], after: float) -> None:
    first, *rest = (f"payments.tasks.{step}" for step in CHAINS[name])
    begin = signature(first, args=(order_ids,), priority=priority)
    outbox.send_task(chain(begin, *(signature(step) for step in rest)), after=after)
