"""What becomes of the ids in a step when something fails."""

import amqp
import pytest
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from orders_project.messaging import steps
from orders_project.messaging.errors import Outage
from orders_project.messaging.models import Work
from orders_project.messaging.steps import step

pytestmark = pytest.mark.django_db

#: Id -> what happens to it.
FAILS = {}


@step
def call_partner(ids):
    for one in ids:
        if one in FAILS:
            raise FAILS[one]
    return ids


@pytest.fixture(autouse=True)
def nothing_fails():
    FAILS.clear()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no such account"),
        ConnectionResetError("the gateway hung up"),
        TimeoutError("the carrier did not answer"),
    ],
)
def test_a_partners_failure_sends_that_id_alone_up_the_rungs(rungs, error):
    FAILS["bad"] = error

    assert call_partner(["good", "bad", "fine"]) == ["good", "fine"]
    ((ids, exchange, headers),) = rungs
    assert (ids, exchange) == (["bad"], "retry.5s")
    assert headers["x-attempt"] == 1
    assert str(error) in headers["x-exception"]
    assert Work.objects.get().outcome == "retried"


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection"),
        InterfaceError("connection already closed"),
        BrokerError("connection refused"),
        amqp.RecoverableConnectionError("socket closed"),
    ],
)
def test_an_outage_of_ours_leaves_the_whole_step_in_hand(rungs, error):
    FAILS["any"] = error

    with pytest.raises(Outage, match=type(error).__name__):
        call_partner(["some", "any"])
    assert rungs == []
    assert not Work.objects.exists()


def test_a_broker_that_takes_no_retry_leaves_the_whole_step_in_hand(monkeypatch):
    def gone(*_sent):
        raise Outage("no confirm in time")

    monkeypatch.setattr(steps, "_send_again", gone)
    FAILS["bad"] = ValueError("no such account")

    with pytest.raises(Outage, match="no confirm in time"):
        call_partner(["bad"])
