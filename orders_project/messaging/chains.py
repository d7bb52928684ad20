"""Chains of Celery tasks, started for many orders at once, and again where they rest.

Of a row whose chain a sweep or a nudge starts again, `updated` tells when its status
moved, `tried` when it was last helped on, and `sweeps` how often since it moved.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from celery import chain, signature

from orders_project.messaging import outbox
from orders_project.messaging.envelope import MAX_EVENTS
from orders_project.messaging.nudging import Nudged

#: So many orders go through a chain together.
TOGETHER = MAX_EVENTS

#: (name of the chain, priority, order)
Job = tuple[str, int, str]

#: The rows that a sweep takes: those that have not moved for so many seconds, and each
#: time twice as long, up to some days: what nothing helps must not be parked every few
#: minutes. The least swept come first: those that nothing helps keep nobody waiting.
#: It must stand inside ARRAY(..): an IN may be asked anew for each row, past the limit.
IDLE = """
    greatest(updated, tried) < statement_timestamp()
        - make_interval(secs => %s * power(2, least(sweeps, 10)))
    ORDER BY sweeps, order_id LIMIT 1000
"""
#: And a nudge: those that it names, at once.
NAMED = "order_id = ANY(%s::uuid[])"


class Chains(NamedTuple):
    """The module of an app's tasks, and which of them follow one another."""

    module: str
    steps: Mapping[str, Sequence[str]]

    def start(self, jobs: Iterable[Job], *, after: float = 0) -> None:
        """Have chains run `after` seconds after the commit.

        Jobs of one name and priority share a chain.
        """
        for (name, priority), group in groupby(sorted(jobs), key=itemgetter(0, 1)):
            order_ids = [order_id for *_, order_id in group]
            for begin in range(0, len(order_ids), TOGETHER):
                together = order_ids[begin : begin + TOGETHER]
                outbox.send_task(self._chain(name, priority, together), after=after)

    def restart(self, jobs: Sequence[Job]) -> list[Nudged]:
        """Have stalled chains run again after the commit; return which of whom."""
        self.start(jobs)
        return [(name, order_id) for name, _, order_id in jobs]

    def _chain(self, name: str, priority: int, order_ids: Sequence[str]) -> chain:
        first, *rest = (f"{self.module}.{step}" for step in self.steps[name])
        begin = signature(first, args=(order_ids,), priority=priority)
        return chain(begin, *(signature(step) for step in rest))
