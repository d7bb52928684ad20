"""From the outbox's parcels to RabbitMQ: nobody else publishes events.

Workers only send on what they hold: to a rung, to the dead letters, to the next step.

Take parcels out, publish them with pipelined confirms, and commit when the broker has
confirmed all. Whoever dies in between leaves the parcels where they were: they go out
again, and the inbox of each queue drops the second copy. Any number may run.
"""

import logging
import random
import select
import threading
from collections.abc import Collection
from typing import Any

from amqp.exceptions import PreconditionFailed
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from django.db.backends.signals import connection_created

from orders_project.database import sql
from orders_project.database.index_scans import find_rows_by_key
from orders_project.messaging.broker import BlockedError, Publisher, connect
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import new_id
from orders_project.messaging.outages import BROKER_LOST
from orders_project.messaging.outbox import CHANNEL
from orders_project.messaging.packing import GRIP, Taken, groups_of, message, take
from orders_project.messaging.reminding import declare_or_remind

logger = logging.getLogger(__name__)

#: Seconds: the net under LISTEN, and the wait for a queue that is not there.
POLL, UNROUTABLE = 1.0, 30
LONGEST_PAUSE = 4.0

POSTPONE = """
    INSERT INTO messaging_parcel
        (due, exchange, routing_key, priority, headers, properties, event_ids, body)
    SELECT statement_timestamp() + make_interval(secs => %s), exchange, routing_key,
        priority, headers, properties, event_ids, body
    FROM jsonb_populate_recordset(NULL::messaging_parcel, %s)
"""
#: Also a queue that is there with other arguments: orders are taken until it is gone.
STOPPED_BY = (
    *BROKER_LOST,
    PreconditionFailed,
    OperationalError,
    InterfaceError,
    InternalError,
)
TIMEOUTS: dict[str, Any] = {
    "heartbeat": 6,
    "connect_timeout": 4,
    "transport_options": {"read_timeout": 5, "write_timeout": 5},
}


def run(stopped: threading.Event) -> None:
    """Carry parcels until told to stop, through every outage of broker or database."""
    find_rows_by_key()
    connection_created.connect(_listen)
    pause = 0.0
    while not stopped.wait(pause):
        try:
            with connect(**TIMEOUTS) as broker:
                # Kombu would try twice and sleep between, deaf to `stopped`.
                broker.ensure_connection(max_retries=0)
                declare_or_remind(broker)
                connection.ensure_connection()
                logger.info("The relay is connected.")
                pause = 0.0
                _carry_on(Publisher(broker.connection), stopped)
        except STOPPED_BY as error:
            connection.close()
            pause = min(max(pause * 2, 0.5), LONGEST_PAUSE) * random.uniform(0.75, 1)
            logger.warning("The relay waits %.1f s: %r", pause, error)


def _carry_on(publisher: Publisher, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            if carry(publisher) < GRIP:  # nothing more was due
                _rest(publisher)
        except BlockedError as alarm:
            logger.warning("The relay waits, the outbox keeps what is said: %s", alarm)
            _sit_out(publisher, stopped)


def _sit_out(publisher: Publisher, stopped: threading.Event) -> None:
    # On the same connection, outside any transaction: a new one would not be told of
    # the alarm before it publishes, and the end of it is told at once.
    while publisher.blocked and not stopped.is_set():
        publisher.keep_alive(POLL)
    if not publisher.blocked:
        logger.info("RabbitMQ takes messages again.")


def carry(publisher: Publisher) -> int:
    """Publish one handful of what is due; returns how many parcels went out."""
    with transaction.atomic():
        parcels = list(take())
        if not parcels:
            return 0
        groups = {new_id(): group for group in groups_of(parcels)}
        crash_point("relay: taken, not published")
        returned = publisher.publish([message(*item) for item in groups.items()])
        crash_point("relay: published, not committed")
        kept = {c.parcel.id: c.parcel for one in returned for c in groups[one]}
        _postpone(kept.values())
    return len(parcels) - len(kept)


def _postpone(parcels: Collection[Taken]) -> None:
    if parcels:
        sql.run(POSTPONE, [UNROUTABLE, sql.rows(one._asdict() for one in parcels)])
    for exchange, routing_key in {(one.exchange, one.routing_key) for one in parcels}:
        logger.error(
            "No queue takes %r from %s: it is kept, and tried again in %d s. "
            "Declare what is missing: manage.py topology --apply",
            routing_key,
            exchange,
            UNROUTABLE,
        )


def _listen(*, connection: Any, **_signal: Any) -> None:
    # With each connection: Django itself may have closed the last, after a roll-back
    # that failed.
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")


def _rest(publisher: Publisher) -> None:
    """Wait for a NOTIFY, or for the next poll; answer the broker's heartbeats."""
    raw = connection.connection
    if not raw.notifies:
        select.select([raw, publisher.connection.sock], [], [], POLL)
        with connection.wrap_database_errors:
            raw.poll()
    raw.notifies.clear()
    publisher.keep_alive()
