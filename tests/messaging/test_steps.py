"""What becomes of the ids in a step when something fails."""

import amqp
import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery._state import _task_stack
from celery.exceptions import Reject
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from orders_project.messaging import deaths, steps
from orders_project.messaging.errors import Outage
from orders_project.messaging.models import Attempt, Work
from orders_project.messaging.outages import PATIENCE
from orders_project.messaging.steps import step
from tests.slow import too_slow

pytestmark = pytest.mark.django_db

#: Id -> what happens to it.
FAILS = {}


class DeathError(BaseException):
    """No error that anybody catches, like a death."""


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
def test_a_partners_failure_sends_that_id_alone_up_the_rungs(rungs, error, caplog):
    FAILS["bad"] = error

    assert call_partner(["good", "bad", "fine"]) == ["good", "fine"]
    ((ids, exchange, headers),) = rungs
    assert (ids, exchange) == (["bad"], "retry.5s")
    assert headers["x-attempt"] == 1
    assert str(error) in headers["x-exception"]
    assert "call_partner goes to retry.5s for bad: " in caplog.text
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


def run_again(ids, *, held=0):
    """Run a message that was in another worker's hands before."""
    again = {"delivery_info": {"redelivered": True, "priority": 1}, "held": held}
    call_partner.push_request(**again)
    _task_stack.push(call_partner)
    try:
        return call_partner.run(ids)
    finally:
        _task_stack.pop()
        call_partner.pop_request()


def test_an_id_whose_workers_die_is_parked_and_the_others_go_on(rungs):
    FAILS["deadly"] = DeathError()
    ids = [*map(str, range(60)), "deadly", *map(str, range(60, 70))]
    for _ in range(3):
        with pytest.raises(DeathError):
            run_again(ids)

    assert sorted(run_again(ids)) == sorted(set(ids) - {"deadly"})
    ((parked, exchange, headers),) = rungs
    assert (parked, exchange) == (["deadly"], "dead.exchange")
    assert "worker died 4 times" in headers["x-reason"]
    assert Attempt.objects.count() == 1


def test_an_outage_counts_no_death():
    FAILS["any"] = OperationalError("server closed the connection")
    for _ in range(9):
        with pytest.raises(Outage):
            run_again(["any"], held=1)

    assert not Attempt.objects.exists()


def test_a_step_that_was_too_slow_is_kept_and_tried_again(rungs):
    FAILS["any"] = too_slow()
    with pytest.raises(Outage, match="The database is slow"):
        run_again(["any"], held=PATIENCE - 1)
    assert rungs == []

    run_again(["any"], held=PATIENCE)
    assert len(rungs) == 1


def test_a_step_whose_death_the_server_is_too_slow_to_count_is_kept(rungs, monkeypatch):
    def count(*_which):
        raise too_slow()

    monkeypatch.setattr(deaths, "count", count)
    with pytest.raises(Outage, match="statement timeout"):
        run_again(["any"])
    assert rungs == []


@pytest.mark.django_db(transaction=True)
def test_a_step_that_has_no_time_left_comes_again_in_parts(rungs):
    FAILS["slow"] = SoftTimeLimitExceeded()
    with pytest.raises(Reject) as rejected:
        call_partner(["good", "slow"])
    assert rejected.value.requeue
    assert rungs == []

    assert call_partner(["slow"]) == []
    ((ids, exchange, _headers),) = rungs
    assert (ids, exchange) == (["slow"], "retry.5s")


@pytest.mark.django_db(transaction=True)
def test_behind_one_that_took_too_long_nobody_waits_to_be_killed(rungs):
    FAILS["bad"] = ValueError("the carrier is away")
    FAILS["slow"] = SoftTimeLimitExceeded()

    assert call_partner(["good", "bad", "slow", "next", "last"]) == ["good"]
    assert [ids for ids, *_ in rungs] == [["bad"], ["slow"], ["next"], ["last"]]
    assert {exchange for _, exchange, _ in rungs} == {"retry.5s"}
    assert "no time left" in rungs[-1][2]["x-exception"]
