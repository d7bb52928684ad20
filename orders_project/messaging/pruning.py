"""Deleting what is kept for RETENTION_DAYS, lot by lot.

In one statement an hour of a busy shop, or the days for which a worker was away, would
take longer than any statement may: nothing would be deleted, and an hour later more.
"""

import logging
from collections.abc import Iterable
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction

from orders_project.database import sql
from orders_project.messaging import outbox
from orders_project.messaging.outages import is_outage

logger = logging.getLogger(__name__)

LOT = 10_000
#: A round that has begun is finished: the task's time limits leave room for it.
SECONDS = 4


def old(table: str, time: str, which: str = "true") -> str:
    """Return what deletes a lot of a table that is older than RETENTION_DAYS."""
    return f"""
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {table}
            WHERE {time} < now() - make_interval(days => %s) AND {which} LIMIT %s))
    """


class Pruned(NamedTuple):
    """How many rows are gone, and whether there was no time for all of them."""

    rows: int
    more: bool

    def go_on(self, task: Any) -> None:
        """Have the task that did this come again at once if there is more to do."""
        if self.more:
            with transaction.atomic():
                outbox.send_task(task.s())


def prune(statements: Iterable[str]) -> Pruned:
    """Delete a lot with each statement in turn, until nothing is left or time is up.

    What fails waits for the next time: it does not stop the others.
    """
    end = monotonic() + SECONDS
    rows, left = 0, list(statements)
    while left and monotonic() < end:
        gone = [_one_lot(statement) for statement in left]
        rows += sum(gone)
        left = [one for one, count in zip(left, gone, strict=True) if count >= LOT]
    return Pruned(rows, bool(left))


def _one_lot(statement: str) -> int:
    try:
        with transaction.atomic():
            return sql.run(statement, [settings.RETENTION_DAYS, LOT])
    except DatabaseError as error:
        if is_outage(error):
            raise
        logger.exception(
            "Retention could not delete a lot of old rows, and tries again within the "
            "hour. The statement: %s",
            statement,
        )
        return 0
