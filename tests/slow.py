"""A database that is too slow."""

from django.db import OperationalError


class QueryCanceledError(Exception):
    """What psycopg2 raises, of which only a server can make one with its code."""

    pgcode = "57014"


def too_slow():
    """Return what Django makes of a statement that `statement_timeout` has ended."""
    error = OperationalError("canceling statement due to statement timeout")
    error.__cause__ = QueryCanceledError()
    return error
