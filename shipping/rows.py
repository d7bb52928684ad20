"""Shipments as sets of rows: reading, locking and moving a whole batch at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from orders_project.messaging import sql
from orders_project.messaging.events import Event
from shipping import lifecycle

E = TypeVar("E", bound=Event)


class Row(NamedTuple):
    """A shipment as the steps see it."""

    order_id: str
    status: str
    carrier: str
    tracking: str
    country: str
    cause: str | None
    trace: str | None
    priority: int

    def say(self, what: type[E], **data: Any) -> E:
        """Return an event of this order, caused by what last moved the shipment."""
        return what(
            order_id=self.order_id,
            cause=self.cause,
            trace=self.trace,
            priority=self.priority,
            **data,
        )


COLUMNS = """
    s.order_id::text, s.status, s.carrier, s.tracking, s.country, s.cause::text,
    s.trace, s.priority
"""
READ = f"""
    SELECT {COLUMNS} FROM shipping_shipment s
    WHERE order_id = ANY(%s::uuid[]) AND status = ANY(%s) ORDER BY order_id
"""
LOCK = """
    SELECT order_id::text, status FROM shipping_shipment
    WHERE order_id = ANY(%s::uuid[]) ORDER BY order_id FOR UPDATE
"""
#: What a move leaves out (carrier, tracking, cause) stays as it was.
MOVE = f"""
    UPDATE shipping_shipment s
    SET status = m.status, carrier = coalesce(m.carrier, s.carrier),
        tracking = coalesce(m.tracking, s.tracking),
        cause = coalesce(m.cause, s.cause), updated = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS m(order_id uuid, status text, carrier text,
        tracking text, cause uuid)
    WHERE s.order_id = m.order_id AND %s::jsonb -> s.status ? m.status
    RETURNING {COLUMNS}
"""
ALLOWED = msgspec.json.encode(lifecycle.SHIPMENT).decode()


def read(order_ids: Iterable[str], *statuses: str) -> list[Row]:
    """Return those of the shipments that are in one of the statuses."""
    found = sql.fetch(READ, [list(order_ids), list(statuses)])
    return [Row(*row) for row in found]


def lock(order_ids: Iterable[str]) -> dict[str, str]:
    """Lock the shipments in the order of their ids; return each one's status."""
    return dict(sql.fetch(LOCK, [list(order_ids)]))


def move(moves: Sequence[Mapping[str, object]]) -> list[Row]:
    """Move shipments as far as the lifecycle allows; return those that moved.

    A move that is not allowed is one that came twice, or after a cancellation.
    """
    return [Row(*row) for row in sql.fetch(MOVE, [sql.rows(moves), ALLOWED])]


def move_all(order_ids: Iterable[str], status: str) -> list[Row]:
    """Move all of these shipments to one status."""
    return move([{"order_id": one, "status": status} for one in order_ids])
