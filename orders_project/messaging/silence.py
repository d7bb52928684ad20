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

from orders_project.messaging import sql

READY = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}
#: Above the server's own statement_timeout (environment.py): one that lives has ended a
#: statement by then.
SECONDS = 18
#: libpq's connect_timeout does not hold for a wait of ours.
CONNECTING = 3
#: psycopg2's: between the first packet and a session that is set up.
SETTING_UP = range(20, 30)


def end_silence(seconds: float = SECONDS) -> None:
    """Have each statement of this process fail after so long without an answer."""

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            ready = select.poll()
            ready.register(connection, READY[state])
            limit = seconds if _is_set_up(connection) else CONNECTING
            if not ready.poll(limit * 1000):
                # Psycopg2 closes the connection then.
                raise OperationalError(f"PostgreSQL said nothing for {limit:g} s.")

    extensions.set_wait_callback(wait)


def _is_set_up(connection: Any) -> bool:
    return connection.status not in (extensions.STATUS_SETUP, *SETTING_UP)


@contextmanager
def long_statements(seconds: int) -> Iterator[None]:
    """Let a statement take so long, in the server's eyes and in ours."""
    sql.run("SET statement_timeout = %s", [f"{seconds}s"])
    end_silence(seconds + CONNECTING)
    try:
        yield
    finally:
        end_silence()
        sql.run("RESET statement_timeout")
