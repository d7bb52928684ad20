"""A database that says nothing is gone: libpq itself would wait for it for ever.

Neither the kernel nor the server's own limits end a wait for a server that is frozen,
or for a connection whose other end something in between has forgotten. And no signal is
heard during it: not Celery's soft time limit, nor TERM.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2 import (  # type: ignore[import-untyped]
    OperationalError,
    extensions,
)

from orders_project.database import sql

READY = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
#: Above the server's own statement_timeout (environment.py): one that lives has ended a
#: statement by then.
SECONDS = 18
#: What a server that lives answers at once: a new connection, and BEGIN. An idle worker
#: so learns of a silence soon, and an order that meets several does not wait long.
SOON = 3
#: For what a person starts and watches, and what reads or changes whole tables.
MAINTENANCE = 12 * 60 * 60


def end_silence(seconds: float = SECONDS) -> None:
    """Have each statement of this process fail after `seconds` without an answer."""

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            ready = select.poll()
            ready.register(connection, READY[state])
            limit = seconds if _is_at_work(connection) else SOON
            if not ready.poll(limit * 1000):
                # Psycopg2 closes the connection then.
                raise OperationalError(f"PostgreSQL said nothing for {limit:g} s.")

    extensions.set_wait_callback(wait)


def _is_at_work(connection: Any) -> bool:
    # With autocommit there is no BEGIN, and the first packet may be a long statement.
    return bool(connection.autocommit) or connection.status == extensions.STATUS_BEGIN


@contextmanager
def long_statements(seconds: int) -> Iterator[None]:
    """Let a statement take `seconds`, in the server's eyes and in ours."""
    begin_long_statements(seconds)
    try:
        yield
    finally:
        end_long_statements()


def begin_long_statements(seconds: int = MAINTENANCE, **_signal: Any) -> None:
    sql.run("SET statement_timeout = %s", [f"{seconds}s"])
    end_silence(seconds + SOON)


def end_long_statements(**_signal: Any) -> None:
    end_silence()
    sql.run("RESET statement_timeout")
