"""What a worker sends on reaches a queue, or it keeps what it has."""

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import current_app

from orders_project.messaging import sending
from orders_project.messaging.broker import BlockedError
from orders_project.messaging.errors import Outage
from orders_project.messaging.outages import is_certain_outage


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


def test_who_waits_longer_than_a_task_may_waits_for_the_broker(broker):
    with pytest.raises(Outage, match="time limit"), sending.producer():
        raise SoftTimeLimitExceeded(20)


def test_who_publishes_now_and_then_leaves_at_an_alarm_and_does_not_wait(topology):
    """Told of an alarm once, it would wait 10 s at each message after it."""
    with current_app.producer_pool.acquire() as producer:
        alarmed = producer.channel.connection
        with pytest.raises(BlockedError, match="rabbitmq-diagnostics alarms") as alarm:
            alarmed._on_blocked()

        assert is_certain_outage(alarm.value)
        assert not alarmed.connected
        producer.publish("{}", routing_key="messaging.tasks", retry=True)
        assert producer.channel.connection is not alarmed
