"""A broker that has lost its data is told again what was said lately."""

import logging

from kombu import Connection

from orders_project.messaging.broker import declare, has_forgotten
from orders_project.messaging.nudging import RECENT_HOURS, send_recent_again
from orders_project.messaging.topology import DEAD_LETTER_QUEUE, QUEUES

logger = logging.getLogger(__name__)


#: Declared before anything is said again: what cannot be declared would otherwise have
#: all of it said anew at each try. The other tells that it was said (has_forgotten).
FIRST = [queue for queue in QUEUES if queue is not DEAD_LETTER_QUEUE]


def declare_or_remind(broker: Connection) -> None:
    """Declare what is missing, and tell a broker that lost its queues all again.

    Also of finished orders: what waited to be recorded, or for a mail, is lost too.
    Who dies in between does it once more.
    """
    if has_forgotten(broker):
        declare(broker, FIRST)
        # It may take minutes without a heartbeat: the broker would cut us off, we
        # would begin anew, and come to no end.
        broker.close()
        _say_again()
        broker.ensure_connection(max_retries=0)
    declare(broker)


def _say_again() -> None:
    if count := send_recent_again():
        logger.warning(
            "RabbitMQ has lost its queues: %d events of the last %d hours are sent "
            "again, and who has handled one skips it.",
            count,
            RECENT_HOURS,
        )
