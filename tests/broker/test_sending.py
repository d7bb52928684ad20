"""What a worker sends on reaches a queue, or it keeps what it has."""

import pytest

from orders_project.messaging import sending
from orders_project.messaging.errors import Outage


def send(*, is_dead):
    with sending.producer() as producer:
        if is_dead:
            producer.channel.connection.transport.sock.close()
        producer.publish("{}", routing_key="nowhere", retry=True, **sending.SURELY)


@pytest.mark.parametrize("is_dead", [False, True])
def test_what_no_queue_takes_is_an_outage_on_a_connection_that_died_as_well(
    broker, is_dead
):
    with pytest.raises(Outage, match="'nowhere'"):
        send(is_dead=is_dead)
