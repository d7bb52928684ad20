"""What a worker sends on reaches a queue, or it keeps what it has."""

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

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


@pytest.mark.parametrize(
    "error",
    [SoftTimeLimitExceeded(20), OSError("Server unexpectedly closed connection")],
    ids=["silent", "closed"],
)
def test_a_broker_that_does_not_take_it_is_an_outage_and_no_attempt(broker, error):
    with pytest.raises(Outage, match="did not take it"), sending.producer():
        raise error
