"""Chains of Celery tasks, started for many orders at once."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from celery import chain, signature

from orders_project.messaging import outbox
from orders_project.messaging.envelope import MAX_EVENTS

#: So many orders go through a chain together.
TOGETHER = MAX_EVENTS

#: (name of the chain, priority, order)
Job = tuple[str, int, str]


class Chains(NamedTuple):
    """The module of an app's tasks, and which of them follow one another."""

    module: str
    steps: Mapping[str, Sequence[str]]

    def start(self, jobs: Iterable[Job], *, after: float = 0) -> None:
        """Have chains run after the commit, or so many seconds later.

        Jobs of one name and priority share a chain.
        """
        for (name, priority), group in groupby(sorted(jobs), key=itemgetter(0, 1)):
            order_ids = [order_id for *_, order_id in group]
            for begin in range(0, len(order_ids), TOGETHER):
                together = order_ids[begin : begin + TOGETHER]
                outbox.send_task(self._chain(name, priority, together), after=after)

    def _chain(self, name: str, priority: int, order_ids: Sequence[str]) -> chain:
        first, *rest = (f"{self.module}.{step}" for step in self.steps[name])
        begin = signature(first, args=(order_ids,), priority=priority)
        return chain(begin, *(signature(step) for step in rest))
