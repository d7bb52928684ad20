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
    amqp.RecoverableConnectionError,
    amqp.exceptions.MessageNacked,
    amqp.NotFound,
    amqp.AccessRefused,
)
#: And what its sockets raise, as those of everybody do.
BROKER_GONE = (*BROKER_SAID, ConnectionError, TimeoutError)
#: PostgreSQL has no connection, room or disk for anybody, is told to stop, only reads
#: (a standby, or a server that was the primary), or ended a transaction while we were
#: asleep: https://www.postgresql.org/docs/15/errcodes-appendix.html
SERVER_GONE = ("08", "25006", "25P03", "53", "57P", "58")


def is_outage(error: BaseException) -> bool:
    """Tell whether database or broker were gone, so that no attempt must be counted.

    A deadlock or a statement that took too long is also Django's OperationalError,
    but has an SQLSTATE of its own, and is an ordinary failure.
    """
    return isinstance(error, BROKER_GONE) or is_certain_outage(error)


def is_certain_outage(error: BaseException) -> bool:
    """Tell the same of code that also speaks to others, such as a payment gateway.

    A socket's bare error may be theirs, and is taken for an ordinary failure.
    """
    if isinstance(error, (Outage, InterfaceError, *BROKER_SAID)):
        return True
    return isinstance(error, DatabaseError) and _server_gone(error)


def _server_gone(error: DatabaseError) -> bool:
    state: str | None = getattr(error.__cause__, "pgcode", None)
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
