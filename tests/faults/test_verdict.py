"""The ledger's comparison finds what it is there to find."""

from random import Random
from types import SimpleNamespace

import pytest

from tests.faults.client import Try, Wish, wishes
from tests.faults.rig import Rig
from tests.faults.verdict import Placed, Verdict, compared

KEPT = {"lost": 0, "doubled": 0, "unexpected": 0, "recovered": 0}


def asked(key, *tries, ids=(), cents=100):
    """A wish that was answered so at the seconds 1, 2, 3."""
    answers = [Try(when, said, 0.1) for when, said in enumerate(tries, 1)]
    return Wish(key, {}, answers, [*ids], dict.fromkeys(ids, cents))


def granted(key, *ids, **more):
    return asked(key, 201, ids=ids, **more)


def placed(one, key, cents=100, created=1.5):
    return Placed(one, key, cents, created)


@pytest.mark.parametrize(
    ("told", "there", "found"),
    [
        ([granted("a", "1")], [placed("1", "a")], {}),
        ([granted("a", "1", "1")], [placed("1", "a")], {}),
        ([granted("a", "1")], [], {"lost": 1}),
        ([granted("a", "1"), granted("b", "1")], [placed("1", "a")], {"lost": 1}),
        ([granted("a", "1", cents=99)], [placed("1", "a")], {"lost": 1}),
        ([granted("a", *"12")], [placed("1", "a"), placed("2", "a")], {"doubled": 1}),
        ([asked("a", 503)], [placed("1", "a")], {}),
        ([asked("a", 503, 201, ids="1")], [placed("1", "a")], {"recovered": 1}),
        ([asked("a", 503, 201, ids="1")], [placed("1", "a", created=2.5)], {}),
        ([], [placed("1", "a")], {"unexpected": 1}),
        ([asked("a", 422)], [placed("1", "a")], {"unexpected": 1}),
    ],
    ids=[
        "an answer and its order", "the same answer twice", "an answer without order",
        "an answer with somebody else's order", "an answer with another price",
        "one key with two orders", "an order whose answer was lost on its way",
        "an order from a request that failed", "an order from the request after it",
        "an order nobody asked for", "an order that was refused",
    ],
)  # fmt: skip
def test_what_customers_were_told_is_compared_with_what_there_is(told, there, found):
    assert compared(told, there) == KEPT | found


def test_seconds_are_judged_where_nobody_else_can_have_been_the_cause():
    late = {"orders": 1, "late": ["Orders after reset: 9.0 s, not within 5 s."]}

    assert Verdict("F6", "reset", 1, others=0.1, **late).outcome == "LATE"
    assert Verdict("F6", "reset", 1, others=0.6, **late).outcome == "kept"
    assert Verdict("F6", "reset", 1, others=0.6, lost=1, **late).outcome == "BROKEN"


def test_what_is_broken_is_told_with_the_errors_of_its_time(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "worker-payment.log").write_text(
        "1970-01-01 00:00:09,999 ERROR celery: before it\n"
        "1970-01-01 00:00:10,001 INFO celery: no error\n"
        "1970-01-01 00:00:10,002 ERROR celery: of the connection\n"
        "TypeError: and its traceback\n"
        "1970-01-01 00:00:11,003 ERROR celery: of the connection\n"
    )
    errors = Rig(SimpleNamespace(folder=tmp_path)).errors(since=10)
    assert errors == ["2 x worker-payment: celery: of the connection"]

    told = Verdict("F6", "reset", 1, 9, broken=["Parked"], errors=errors).explained()
    assert told.splitlines()[1:] == ["    Parked", f"    {errors[0]}"], told


def test_a_process_that_ended_by_an_error_is_named(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "relay.log").write_text(
        "1970-01-01 00:00:10,002 ERROR relay: it goes on\n"
        "Traceback (most recent call last):\n"
        '  File "/shop/orders_project/messaging/broker.py", line 9, in _send\n'
        "ValueError: too long\n"
        "Traceback (most recent call last):\n"
        '  File "/shop/manage.py", line 16, in <module>\n'
        "    execute_from_command_line(sys.argv)\n"
        "OSError: Server unexpectedly closed connection\n"
    )
    assert Rig(SimpleNamespace(folder=tmp_path)).ended() == [
        "relay ended by itself: OSError: Server unexpectedly closed connection"
    ]


def test_the_same_seed_wishes_the_same():
    skus = ["TEAPOT", "KETTLE", "CUP"]
    first, again, other = (wishes(skus, Random(seed), "x") for seed in (7, 7, 8))

    bodies = [next(first).body for _ in range(20)]
    assert bodies == [next(again).body for _ in range(20)]
    assert bodies != [next(other).body for _ in range(20)]
