"""RPC over direct reply-to."""

import socket
import time

import pytest

from orders_project.messaging import rpc
from orders_project.messaging.errors import UnansweredError
from orders_project.messaging.events import PaymentAsked, new_id
from orders_project.messaging.topology import PAYMENT_RPC_QUEUE
from tests.awaiting import eventually
from tests.broker.behaviours import KILLER
from tests.processes import worker


@pytest.fixture
def elsewhere(monkeypatch):
    """A server in RabbitMQ's place, which lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"amqp://127.0.0.1:{port}//")
        yield server


def ask(timeout, order_id=None):
    order_id = order_id or new_id()
    question = PaymentAsked(order_id=order_id)
    return order_id, rpc.ask(PAYMENT_RPC_QUEUE, question, timeout=timeout)


def test_a_question_is_answered_by_another_process(broker):
    with worker(PAYMENT_RPC_QUEUE.name, app="tests.broker.crooked"):
        for _ in range(3):
            order_id, answer = ask(timeout=10)
            assert answer == {"order_id": order_id, "gateway": "says yes"}


def test_a_question_that_has_no_answer_holds_up_no_other(broker):
    with worker(PAYMENT_RPC_QUEUE.name, app="tests.broker.crooked"):
        broker.send("", PAYMENT_RPC_QUEUE.name, "no question")
        with pytest.raises(UnansweredError):
            ask(timeout=1, order_id=KILLER)
        assert ask(timeout=10)


def test_without_an_answer_it_says_so_in_time_and_how_to_get_one(broker):
    started = time.monotonic()
    said = r"payment\.rpc\.queue: TimeoutError.* worker -Q payment\.rpc\.queue"
    with pytest.raises(UnansweredError, match=said):
        ask(timeout=0.5)
    assert time.monotonic() - started < 3


def test_a_question_nobody_waits_for_any_more_is_dropped(broker):
    with pytest.raises(UnansweredError):
        ask(timeout=0.3)
    eventually(lambda: broker.is_empty(PAYMENT_RPC_QUEUE.name), within=2)


def test_without_a_broker_it_is_said_at_once(elsewhere):
    elsewhere.close()
    started = time.monotonic()
    with pytest.raises(UnansweredError, match=r"payment\.rpc\.queue: .*refused"):
        ask(timeout=5)
    assert time.monotonic() - started < 1


def test_a_broker_that_says_nothing_is_waited_for_as_long_as_for_an_answer(elsewhere):
    started = time.monotonic()
    with pytest.raises(UnansweredError, match="timed out"):
        ask(timeout=0.5)
    assert time.monotonic() - started < 1.5
