"""The ledger's comparison finds what it is there to find."""

from random import Random

import pytest

from tests.faults.client import Try, Wish, wishes
from tests.faults.verdict import Verdict, compared

KEPT = {"lost": 0, "doubled": 0, "unexpected": 0}


def granted(key, *ids):
    return Wish(key, {}, [Try(0.0, 201, 0.1)], list(ids))


@pytest.mark.parametrize(
    ("told", "placed", "found"),
    [
        ([granted("a", "1")], [("1", "a")], {}),
        ([granted("a", "1", "1")], [("1", "a")], {}),
        ([granted("a", "1")], [], {"lost": 1}),
        ([granted("a", "1"), granted("b", "1")], [("1", "a")], {"lost": 1}),
        ([granted("a", "1", "2")], [("1", "a"), ("2", "a")], {"doubled": 1}),
        ([Wish("a", {})], [("1", "a")], {}),
        ([], [("1", "a")], {"unexpected": 1}),
    ],
    ids=[
        "an answer and its order", "the same answer twice", "an answer without order",
        "an answer with somebody else's order", "one key with two orders",
        "an order whose answer was lost on its way", "an order nobody asked for",
    ],
)  # fmt: skip
def test_what_customers_were_told_is_compared_with_what_there_is(told, placed, found):
    assert compared(told, placed) == KEPT | found


def test_seconds_are_judged_where_nobody_else_can_have_been_the_cause():
    late = {"orders": 1, "late": ["Orders after reset: 9.0 s, not within 5 s."]}

    assert Verdict("F6", "reset", 1, others=0.1, **late).outcome == "LATE"
    assert Verdict("F6", "reset", 1, others=0.6, **late).outcome == "kept"
    assert Verdict("F6", "reset", 1, others=0.6, lost=1, **late).outcome == "BROKEN"


def test_the_same_seed_wishes_the_same():
    skus = ["TEAPOT", "KETTLE", "CUP"]
    first, again, other = (wishes(skus, Random(seed), "x") for seed in (7, 7, 8))

    bodies = [next(first).body for _ in range(20)]
    assert bodies == [next(again).body for _ in range(20)]
    assert bodies != [next(other).body for _ in range(20)]
