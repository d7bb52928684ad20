"""Keeping PostgreSQL to index scans in the processes that work on batches of keys.

A worker's statement names its rows by key, at most some hundreds of them. On tables
without fresh statistics the planner would rather read them whole and hash them: seen on
a new database, where it cost half of the server's time (docs/adr/0008).
"""

from typing import Any

from django.db import connection
from django.db.backends.signals import connection_created

BY_KEY = (
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
)


def find_rows_by_key(**_signal: Any) -> None:
    """Have every database connection of this process prefer indexes from now on."""
    connection.close()
    connection_created.connect(_prefer_indexes)


def _prefer_indexes(*, connection: Any, **_signal: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BY_KEY)
