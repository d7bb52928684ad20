"""A short hand for set-based SQL: one statement for a whole batch of rows.

Rows travel as one JSON parameter into `jsonb_to_recordset`, and a list of texts as one
array literal: a placeholder or an expression for each value costs client and server
twice as much. Rows of ids, times, hashes and JSON, of which there are many and which
hold no line feed, travel as a text for each column: half of what JSON costs the server
(2.8 us less for a row of seven).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import connection

Row = tuple[Any, ...]
#: For `%s` in their order, or for `%(name)s`, where one stands in several places.
Params = Sequence[Any] | Mapping[str, Any]

LOCK = "SELECT pg_try_advisory_lock(hashtext(%s))"
UNLOCK = "SELECT pg_advisory_unlock(hashtext(%s))"


def fetch(query: str, params: Params = ()) -> list[Row]:
    """Run one statement on the default database and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(query, _whole(params))
        found: list[Row] = cursor.fetchall()
    return found


def run(query: str, params: Params = ()) -> int:
    """Run one statement and return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(query, _whole(params))
        count: int = cursor.rowcount
    return count


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Hold an advisory lock meanwhile; yield False if another session holds it."""
    [(is_alone,)] = fetch(LOCK, [name])
    try:
        yield is_alone
    finally:
        if is_alone:
            fetch(UNLOCK, [name])


def words(said: str, most: int) -> str:
    """Return what a stranger said as a row can hold it: no NUL, and at most so long."""
    return "".join(filter(str.isprintable, said))[:most]


def rows(values: Iterable[object]) -> str:
    """Encode dicts or Structs as the parameter of `jsonb_to_recordset(%s)`."""
    return msgspec.json.encode(list(values)).decode()


def columns(values: Iterable[Sequence[str]]) -> list[str]:
    """Write rows of texts as the parameters of `table`: a line of each for every row.

    Raises ValueError if a text holds a line feed: the rows after it would be mixed up.
    """
    given = list(values)
    texts = ["\n".join(column) for column in zip(*given, strict=True)]
    if any(text.count("\n") >= len(given) for text in texts):
        raise ValueError("A text with a line feed cannot be one of sql.columns().")
    return texts


def table(names: str) -> str:
    """Name the parameters of `columns` in a FROM clause; an empty text is NULL."""
    column = r"string_to_table(%s, E'\n', '')"
    functions = ", ".join([column] * len(names.split(",")))
    return f"ROWS FROM ({functions}) AS given ({names})"


def first_id(time: str) -> str:
    """Return SQL for the least UUIDv7 of a time: ids begin with their milliseconds."""
    milliseconds = f"(extract(epoch FROM {time}) * 1000)::bigint"
    return f"rpad(lpad(to_hex({milliseconds}), 12, '0'), 32, '0')::uuid"


def _whole(params: Params) -> list[Any] | dict[str, Any]:
    if isinstance(params, Mapping):
        return {name: _literal(one) for name, one in params.items()}
    return [_literal(one) for one in params]


def _literal(value: Any) -> Any:
    """Write a list of texts as PostgreSQL's array literal (manual, 8.15.2)."""
    # psycopg2 would write ARRAY['a', 'b', ...], which PostgreSQL parses as that many
    # expressions: 1.2 us for each id, in each statement.
    if not (isinstance(value, list) and value and isinstance(value[0], str)):
        return value
    quoted = (one.replace("\\", r"\\").replace('"', r"\"") for one in value)
    return '{"' + '","'.join(quoted) + '"}'
