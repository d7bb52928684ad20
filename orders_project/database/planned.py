"""Statements that each session of PostgreSQL parses and plans once.

With few rows that is most of what an INSERT costs the server. Django, and all that
stands between, see the statements as they are written; psycopg2 sends EXECUTE.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from psycopg2 import Error, extensions  # type: ignore[import-untyped]

from orders_project.database.errors import tell_no_row


class Planned(str):
    """A statement with one possible way to run it, such as an INSERT of given rows.

    The plan is kept while the tables grow: not for what could choose among indexes.
    """

    __slots__ = ()

    def prepare(self, name: str, size: int) -> str:
        """Return what plans it in a session; `size` is the number of its parameters."""
        return f"PREPARE {name} AS {self % tuple(f'${n + 1}' for n in range(size))}"


class Session(extensions.connection):  # type: ignore[misc]
    """A connection that knows what it has planned."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.known: dict[Planned, str] = {}
        self.names = (f"planned_{number}" for number in count())


class Cursor(extensions.cursor):  # type: ignore[misc]
    connection: Session

    def execute(self, query: str, params: Sequence[Any] | None = None) -> None:
        if isinstance(query, Planned):
            query = self._planned(query, len(params or ()))
        try:
            super().execute(query, params)
        except Error as error:
            # Django makes its own error of this one's words.
            tell_no_row(error)
            raise

    def _planned(self, query: Planned, size: int) -> str:
        known = self.connection.known
        if query not in known:
            # A name for each try: one that was interrupted may be there.
            name = next(self.connection.names)
            super().execute(query.prepare(name, size))
            known[query] = f"EXECUTE {name} ({', '.join(['%s'] * size)})"
        return known[query]
