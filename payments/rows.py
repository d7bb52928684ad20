"""Payments as sets of rows: reading, locking and moving a whole batch at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from orders_project.messaging import sql
from orders_project.messaging.events import Event
from payments import lifecycle

E = TypeVar("E", bound=Event)


class Row(NamedTuple):
    """A payment as the steps see it."""

    order_id: str
    status: str
    reason: str
    method: str
    amount_cents: int
    currency: str
    token: str
    country: str
    reference: str
    cause: str | None
    trace: str | None
    priority: int

    def say(self, what: type[E], **data: Any) -> E:
        """Return an event of this order, caused by what last moved the payment."""
        return what(
            order_id=self.order_id,
            cause=self.cause,
            trace=self.trace,
            priority=self.priority,
            **data,
        )


COLUMNS = """
    p.order_id::text, p.status, p.reason, p.method, p.amount_cents, p.currency, p.token,
    p.country, p.reference, p.cause::text, p.trace, p.priority
"""
READ = f"""
    SELECT {COLUMNS} FROM payments_payment p
    WHERE order_id = ANY(%s::uuid[]) AND status = ANY(%s) ORDER BY order_id
"""
LOCK = """
    SELECT 1 FROM payments_payment WHERE order_id = ANY(%s::uuid[])
    ORDER BY order_id FOR UPDATE
"""
#: What a move leaves out (reason, reference, cause) stays as it was.
MOVE = f"""
    UPDATE payments_payment p
    SET status = m.status, reason = coalesce(m.reason, p.reason),
        reference = coalesce(m.reference, p.reference),
        cause = coalesce(m.cause, p.cause), updated = statement_timestamp()
    FROM jsonb_to_recordset(%s) AS m(order_id uuid, status text, reason text,
        reference text, cause uuid)
    WHERE p.order_id = m.order_id AND %s::jsonb -> p.status ? m.status
    RETURNING {COLUMNS}
"""
ALLOWED = msgspec.json.encode(lifecycle.PAYMENT).decode()


def read(order_ids: Iterable[str], *statuses: str) -> list[Row]:
    """Return those of the payments that are in one of the statuses."""
    found = sql.fetch(READ, [list(order_ids), list(statuses)])
    return [Row(*row) for row in found]


def lock(order_ids: Iterable[str]) -> None:
    """Lock the payments in the order of their ids, as every writer here does."""
    sql.run(LOCK, [list(order_ids)])


def move(moves: Sequence[Mapping[str, object]]) -> list[Row]:
    """Move payments as far as the lifecycle allows; return those that moved.

    A move that is not allowed is one that came twice, or after a cancellation.
    """
    return [Row(*row) for row in sql.fetch(MOVE, [sql.rows(moves), ALLOWED])]


def move_all(order_ids: Iterable[str], status: str, **changes: object) -> list[Row]:
    """Move all of these payments to one status."""
    return move([{"order_id": one, "status": status, **changes} for one in order_ids])
