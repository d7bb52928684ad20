"""A short hand for set-based SQL: one statement for a whole batch of rows.

Rows travel as one JSON parameter into `jsonb_to_recordset`, which is cheaper for
the client than a placeholder for each value (benchmarks/).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection

Row = tuple[Any, ...]


def fetch(query: str, params: Sequence[Any] = ()) -> list[Row]:
    """Run one statement on the default database and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        found: list[Row] = cursor.fetchall()
    return found


def run(query: str, params: Sequence[Any] = ()) -> int:
    """Run one statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        count: int = cursor.rowcount
    return count


def rows(values: Iterable[object]) -> str:
    """Encode dicts or Structs as the parameter of `jsonb_to_recordset(%s)`."""
    return msgspec.json.encode(list(values)).decode()
