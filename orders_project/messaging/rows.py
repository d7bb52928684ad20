"""Rows that move along a lifecycle: read, locked and moved, a whole batch at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from orders_project.database import sql
from orders_project.messaging.events import Event

E = TypeVar("E", bound=Event)
R = TypeVar("R", bound="Row")

READ = """
    SELECT {columns} FROM {table} t
    WHERE order_id = ANY(%s::uuid[]) AND status = ANY(%s) ORDER BY order_id
"""
LOCK = """
    SELECT order_id::text, status FROM {table}
    WHERE order_id = ANY(%s::uuid[]) ORDER BY order_id FOR UPDATE
"""
#: What a move leaves out stays as it was.
MOVE = """
    UPDATE {table} t
    SET status = m.status, {changes}, cause = coalesce(m.cause, t.cause),
        updated = statement_timestamp(), sweeps = 0
    FROM jsonb_to_recordset(%s) AS m(order_id uuid, status text, cause uuid, {texts})
    WHERE t.order_id = m.order_id AND %s::jsonb -> t.status ? m.status
    RETURNING {columns}
"""
#: Columns that are UUIDs there and texts here.
IDS = ("order_id", "cause")


class Row(msgspec.Struct, frozen=True):
    """What an app knows of one order, as its steps see it."""

    order_id: str
    status: str
    cause: str | None
    trace: str | None
    priority: int

    def event(self, what: type[E], **data: Any) -> E:
        """Return an event of this order, caused by what last moved the row."""
        return what(
            order_id=self.order_id,
            cause=self.cause,
            trace=self.trace,
            priority=self.priority,
            **data,
        )


class Table(Generic[R]):
    """A table keyed by the order, and which status may follow which in it.

    Beside status and cause a move may change those columns that are named, all texts.
    """

    def __init__(
        self,
        name: str,
        row: type[R],
        lifecycle: Mapping[str, Sequence[str]],
        changes: Sequence[str],
    ) -> None:
        words = {
            "table": name,
            "columns": ", ".join(map(_column, row.__struct_fields__)),
            "changes": ", ".join(map("{0} = coalesce(m.{0}, t.{0})".format, changes)),
            "texts": ", ".join(map("{} text".format, changes)),
        }
        self._queries = {one: one.format(**words) for one in (READ, LOCK, MOVE)}
        self._row = row
        self._allowed = msgspec.json.encode(lifecycle).decode()

    def read(self, order_ids: Iterable[str], *statuses: str) -> list[R]:
        """Return the rows of these orders that are in one of the statuses."""
        return self._fetch(READ, list(order_ids), list(statuses))

    def lock(self, order_ids: Iterable[str]) -> dict[str, str]:
        """Lock rows in the order of their ids, as every writer does.

        Returns each one's status.
        """
        return dict(sql.fetch(self._queries[LOCK], [list(order_ids)]))

    def move(self, moves: Sequence[Mapping[str, object]]) -> list[R]:
        """Move rows as far as the lifecycle allows; return those that moved.

        A move that is not allowed is one that came twice, or after a cancellation.
        """
        return self._fetch(MOVE, sql.rows(moves), self._allowed)

    def move_all(
        self, order_ids: Iterable[str], status: str, **changes: str
    ) -> list[R]:
        """Move all of these orders' rows to one status."""
        return self.move(
            [{"order_id": one, "status": status, **changes} for one in order_ids]
        )

    def _fetch(self, query: str, *params: object) -> list[R]:
        return [self._row(*found) for found in sql.fetch(self._queries[query], params)]


def before(lifecycle: Mapping[str, Sequence[str]], status: str) -> list[str]:
    """Return the statuses from which a row may move to this one."""
    return [start for start, onward in lifecycle.items() if status in onward]


def first_of_each(events: Iterable[E]) -> dict[str, E]:
    """Return one event for each order: of two that move it alike, the first counts."""
    return {event.order_id: event for event in reversed(list(events))}


def _column(name: str) -> str:
    return f"t.{name}::text" if name in IDS else f"t.{name}"
