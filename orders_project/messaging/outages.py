"""Telling an outage, which is nobody's fault, from an error of ours."""

import amqp
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
)
from kombu.exceptions import OperationalError as BrokerError

from orders_project.messaging.errors import Outage

#: What nobody but our broker's own libraries raises. Also that it refused a message,
#: or does not know an exchange yet: the relay declares it, and then it can be said.
BROKER_SAID = (
    BrokerError,
    amqp.ConnectionError,
    amqp.exceptions.MessageNacked,
    amqp.NotFound,
    amqp.AccessRefused,
)
#: And what its sockets raise, as those of everybody do.
BROKER_GONE = (*BROKER_SAID, ConnectionError, TimeoutError)
#: For code that speaks to nobody else: py-amqp raises a bare OSError where the broker
#: hung up, and ssl's errors are OSErrors, too.
BROKER_LOST = (*BROKER_SAID, OSError)
#: PostgreSQL has no connection, room or disk for anybody, is told to stop, only reads
#: (a standby, or a server that was the primary), ended a transaction while we were
#: asleep, or somebody else has locked what we need for long:
#: https://www.postgresql.org/docs/15/errcodes-appendix.html
SERVER_GONE = ("08", "25006", "25P03", "53", "55P03", "57P", "58")
TOO_SLOW = "57014"
#: How often a worker keeps a batch that was too slow for `statement_timeout`, before it
#: looks for the event that is to blame: for about five minutes it is the server.
PATIENCE = 15


def is_outage(error: BaseException) -> bool:
    """Tell whether database or broker were gone, so that no attempt must be counted.

    A deadlock or a statement that took too long is also Django's OperationalError,
    but has an SQLSTATE of its own, and is an ordinary failure: see `may_pass`.
    """
    return isinstance(error, BROKER_GONE) or is_certain_outage(error)


def is_certain_outage(error: BaseException) -> bool:
    """Tell the same of code that also speaks to others, such as a payment gateway.

    A socket's bare error may be theirs, and is taken for an ordinary failure.
    """
    if isinstance(error, (Outage, InterfaceError, *BROKER_SAID)):
        return True
    return isinstance(error, DatabaseError) and _server_gone(error)


def may_pass(error: BaseException, held: int) -> bool:
    """Tell whether a server that was too slow may soon be quicker; `held` is Wire's."""
    return _state(error) == TOO_SLOW and held < PATIENCE


def _state(error: BaseException) -> str | None:
    return getattr(error.__cause__, "pgcode", None)


def _server_gone(error: DatabaseError) -> bool:
    state = _state(error)
    if state is None:
        return isinstance(error, OperationalError)
    return state.startswith(SERVER_GONE)


def drop_doubtful_connection(error: BaseException) -> None:
    """Close a database connection that is dead, or whose query a time limit cut off.

    Celery would do so before each task, but then open a new one each time. A standby
    answers; the next connection may be to the server that writes.
    """
    if isinstance(error, SoftTimeLimitExceeded):
        connection.close()
    elif not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
        if isinstance(error, InternalError):
            connection.close()
