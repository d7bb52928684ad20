"""A database and a vhost of one run's own, on the servers that all runs share."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg2

from benchmarks.contestants import BENCHMARKS
from deploy.local.system import System
from deploy.local.waiting import until

WRITTEN = """
    SELECT tup_inserted AS "rows inserted", tup_updated AS updated,
        tup_deleted AS deleted, xact_commit AS commits,
        pg_current_wal_lsn() - '0/0' AS "bytes of WAL"
    FROM pg_stat_database WHERE datname = current_database()
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Room:
    database_url: str
    amqp_url: str
    #: Open all the time: a new connection for each look would cost more than the look.
    cursor: Any

    def apply_schema(self) -> None:
        self.cursor.execute((BENCHMARKS / "schema.sql").read_text())

    def written(self) -> dict[str, int]:
        """What was written in here until now; asked while nobody else is connected,
        because every connection keeps its latest counts for itself.
        """
        until(lambda: not self._others(), what="disconnecting", seconds=30)
        self.cursor.execute(WRITTEN)
        names = [column.name for column in self.cursor.description]
        return dict(zip(names, map(int, self.cursor.fetchone()), strict=True))

    def _others(self) -> int:
        self.cursor.execute(OTHERS)
        return self.cursor.fetchone()[0]

    def differs(self, check: str, expected: Mapping[str, int]) -> str:
        """Return the first count of a check that is not yet as expected, or nothing."""
        for statement in filter(str.strip, check.split(";")):
            self.cursor.execute(statement)
            name, count = self.cursor.fetchone()
            if count != expected[name]:
                return f"{name}: {count}, not {expected[name]}"
        return ""


@contextmanager
def room(system: System, name: str) -> Iterator[Room]:
    """Yield an empty one; what is in it afterwards is thrown away."""
    _clear(system, name)
    _execute(system, f"CREATE DATABASE {name}")
    _manage(system, "PUT", f"vhosts/{name}")
    rights = b'{"configure": ".*", "write": ".*", "read": ".*"}'
    _manage(system, "PUT", f"permissions/{name}/waybill", rights)
    # What an earlier run has left to be written is not this one's to pay for.
    _execute(system, "CHECKPOINT")
    database = system.database_url.removesuffix("/waybill") + f"/{name}"
    with _cursor(database) as cursor:
        yield Room(database, system.amqp_url.removesuffix("//") + f"/{name}", cursor)
    _clear(system, name)


def _clear(system: System, name: str) -> None:
    _execute(system, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    if name in {one["name"] for one in _manage(system, "GET", "vhosts")}:
        _manage(system, "DELETE", f"vhosts/{name}")


def _execute(system: System, statement: str) -> None:
    with _cursor(system.database_url) as cursor:
        cursor.execute(statement)


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _manage(system: System, method: str, path: str, body: bytes = b"{}") -> Any:
    address = urlsplit(system.management_url)
    login = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
    request = Request(
        f"http://{address.hostname}:{address.port}/api/{path}",
        data=None if method == "GET" else body,
        method=method,
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
        return json.loads(answer.read() or b"null")
