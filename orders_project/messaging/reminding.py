"""A broker that has lost its data is told again, before anybody declares its queues."""

import logging

from kombu import Connection

from orders_project.messaging.broker import declare, has_forgotten
from orders_project.messaging.nudging import RECENT_HOURS, send_recent_again

logger = logging.getLogger(__name__)


def declare_or_remind(broker: Connection) -> None:
    """Declare what is missing; of a broker that lost its queues say all again first.

    Also of finished orders: what waited to be recorded, or for a mail, is lost too.
    Before the queues are declared, so that who dies in between does it once more.
    """
    if has_forgotten(broker):
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
