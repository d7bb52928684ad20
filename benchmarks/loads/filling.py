"""A history as long as one likes: orders that were carried, copied into the past.

Every row of every table that names an order is copied, as often as asked, with its ids
and times moved back by so many minutes: a UUIDv7 begins with its time. What stands in
texts moves too, and the audit's hashes are chained anew, so that `manage.py verify`
finds nothing wrong with the result.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from rich.console import Console
from rich.progress import Progress

#: All orders that are copied were carried within this time.
STEP_SECONDS = 60
#: These keep order by time or by batch, and name no order.
MORE = ("orders_order", "messaging_work")
#: Texts that may hold an id.
TEXTS = ("body", "key", "reference", "tracking", "detail")

#: Only for as long as the rows are made: a crash would cost the whole database.
HASTE = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "'16GB'",
    "synchronous_commit": "off",
}
EARLIER = """
    CREATE SCHEMA filling;
    CREATE FUNCTION filling.earlier(id uuid, seconds int) RETURNS uuid
    LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex(('x' || left(id::text, 8) || substr(id::text, 10, 4))
            ::bit(48)::bigint - 1000::bigint * seconds), 12, '0')
            || substr(id::text, 15))::uuid
    $$;
    CREATE FUNCTION filling.wire(t timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    $$;
"""
TABLES = """
    SELECT DISTINCT table_name FROM information_schema.columns
    WHERE table_schema = 'public'
        AND (column_name IN ('order_id', 'event_id') OR table_name = ANY(%s))
    ORDER BY table_name
"""
COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
        AND is_identity = 'NO' ORDER BY ordinal_position
"""
BYTES = "SELECT pg_relation_size(%s::regclass)"
#: What format() puts in place of %1$s to %6$s.
IDS = (
    "{order}::text",
    "replace({order}::text, '-', '')",
    "upper(replace({order}::text, '-', ''))",
)
EVENT_IDS = (*IDS, "{event}::text", "{cause}::text", "{time}")
AUDIT = """
    WITH RECURSIVE said AS MATERIALIZED (
        SELECT a.seq, t.type, {id} AS event_id, {order_id} AS order_id,
            {time} AS time, {body} AS body
        FROM filling.audit_auditrecord a
        JOIN filling.messaging_event t ON t.id = a.event_id
    ), link AS (
        SELECT *, '' AS previous_hash,
            encode(sha256(convert_to(body, 'UTF8')), 'hex') AS hash
        FROM said WHERE seq = 1
        UNION ALL
        SELECT s.*, l.hash, encode(sha256(convert_to(l.hash || s.body, 'UTF8')), 'hex')
        FROM link l JOIN said s ON s.order_id = l.order_id AND s.seq = l.seq + 1
    )
    INSERT INTO audit_auditrecord
        (seq, type, event_id, order_id, time, body, previous_hash, hash)
    SELECT * FROM link ORDER BY event_id
"""
#: The units that the copied orders have bought.
SOLD = """
    UPDATE inventory_stockitem s SET sold = s.sold + %s * units
    FROM (SELECT sku, sum(quantity) AS units FROM filling.inventory_reservationline
        GROUP BY sku) AS one WHERE one.sku = s.sku
"""


def fill(url: str, copies: int) -> None:
    """Copy the orders that are there so many times; nothing else may be at work."""
    with _connected(url) as cursor, _hasty(cursor):
        tables = _templates(cursor)
        halves = _halves(cursor, tables)
        _copy_all(url, halves, copies)
        cursor.execute(SOLD, [copies])
        cursor.execute("DROP SCHEMA filling CASCADE")
    with _connected(url) as cursor:
        cursor.execute("VACUUM (ANALYZE, PARALLEL 2)")
        cursor.execute("CHECKPOINT")


def _copy_all(url: str, halves: Sequence[Sequence[str]], copies: int) -> None:
    bars = Progress(console=Console(stderr=True))
    with bars, ThreadPoolExecutor() as pool:
        list(pool.map(lambda half: _copy(url, half, copies, bars), halves))


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@contextmanager
def _hasty(cursor: Any) -> Iterator[None]:
    for name, value in HASTE.items():
        cursor.execute(f"ALTER SYSTEM SET {name} = {value}")
    cursor.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        for name in HASTE:
            cursor.execute(f"ALTER SYSTEM RESET {name}")
        cursor.execute("SELECT pg_reload_conf()")


def _templates(cursor: Any) -> list[str]:
    """Keep what is to be copied, with places for ids in its texts; name the tables."""
    cursor.execute(EARLIER)
    cursor.execute(TABLES, [list(MORE)])
    tables = [name for (name,) in cursor.fetchall() if _has_rows(cursor, name)]
    for table in tables:
        cursor.execute(
            f"CREATE TABLE filling.{table} AS SELECT {_patterns(cursor, table)} "
            f"FROM public.{table} t"
        )
        cursor.execute(f"ANALYZE filling.{table}")
    return tables


def _has_rows(cursor: Any, table: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
    return cursor.fetchone()[0]


def _columns(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(COLUMNS, [table])
    return dict(cursor.fetchall())


def _order(columns: Sequence[str]) -> str:
    return "t.order_id" if "order_id" in columns else "t.id"


def _patterns(cursor: Any, table: str) -> str:
    columns = _columns(cursor, table)
    ids = [one.format(order=_order([*columns])) for one in IDS]
    if table == "messaging_event":
        ids += ["t.id::text", "coalesce(t.cause::text, 'no cause')"]
        ids += ["(t.body::jsonb ->> 'time')"]
    return ", ".join(
        f"{_pattern(f't.{name}', ids)} AS {name}" if name in TEXTS else f"t.{name}"
        for name in columns
    )


def _pattern(column: str, ids: Sequence[str]) -> str:
    text = f"replace({column}, '%', '%%')"
    for place, one in enumerate(ids, 1):
        text = f"replace({text}, {one}, '%{place}$s')"
    return text


def _halves(cursor: Any, tables: Sequence[str]) -> list[list[str]]:
    """Share the tables out between two connections, by their size."""
    sizes: dict[str, int] = {}
    for table in tables:
        cursor.execute(BYTES, [f"filling.{table}"])
        (sizes[table],) = cursor.fetchone()
    halves: list[list[str]] = [[], []]
    for table in sorted(sizes, key=lambda name: -sizes[name]):
        min(halves, key=lambda half: sum(sizes[one] for one in half)).append(table)
    return halves


def _copy(url: str, tables: Sequence[str], copies: int, progress: Progress) -> None:
    with _connected(url) as cursor:
        # Rows come in any order of the tables: their references are right at the end.
        cursor.execute("SET session_replication_role = replica")
        statements = [_statement(cursor, table) for table in tables]
        # The oldest first, so that rows lie in the order of time.
        for copy in progress.track(range(copies, 0, -1), description="Filling"):
            for statement in statements:
                cursor.execute(statement.replace("SECONDS", str(copy * STEP_SECONDS)))


def _statement(cursor: Any, table: str) -> str:
    columns = _columns(cursor, table)
    if table == "audit_auditrecord":
        return AUDIT.format(**_moved(_columns(cursor, "messaging_event")))
    moved = _moved(columns)
    return (
        f"INSERT INTO {table} ({', '.join(moved)}) "
        f"SELECT {', '.join(moved.values())} FROM filling.{table} t"
    )


def _moved(columns: dict[str, str]) -> dict[str, str]:
    """Return the expression of each column, moved back by SECONDS."""
    return {name: _expression(name, kind, columns) for name, kind in columns.items()}


def _expression(name: str, kind: str, columns: dict[str, str]) -> str:
    if kind == "uuid":
        return f"filling.earlier(t.{name}, SECONDS)"
    if kind == "timestamp with time zone":
        return f"t.{name} - interval 'SECONDS s'"
    if name in TEXTS:
        order = _earlier(_order([*columns]))
        words = {
            "order": order,
            "event": _earlier("t.id"),
            "cause": _earlier("t.cause"),
        }
        words["time"] = "filling.wire(t.time - interval 'SECONDS s')"
        places = EVENT_IDS if name == "body" else IDS
        return f"format(t.{name}, {', '.join(one.format(**words) for one in places)})"
    return f"t.{name}"


def _earlier(column: str) -> str:
    return f"filling.earlier({column}, SECONDS)"
