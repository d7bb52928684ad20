"""Who comes while others are served is served with whoever else has come by then."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import IntegrityError, connection

from orders.models import Order
from orders.pricing import Item, NewOrder
from orders.services.placing import place_each
from orders.services.together import Together
from tests.awaiting import eventually


def tenfold(numbers):
    if 13 in numbers:
        raise LookupError
    return [10 * number if number else ValueError(number) for number in numbers]


class Counter:
    """Serves what it is asked for, a batch at a time, each when it is let go on."""

    def __init__(self, work=tenfold):
        self.work = work
        self.batches = []
        self.opened = Event()
        self.ask = Together(self.serve)

    def serve(self, wanted):
        self.batches.append(list(wanted))
        assert self.opened.wait(10)
        try:
            return self.work(wanted)
        finally:
            connection.close()

    def asked_at_once(self, first, *others, meanwhile=lambda: None):
        """Let the others come while the first is at work; return all answers."""
        with ThreadPoolExecutor() as threads:
            answers = [threads.submit(self.ask, first)]
            eventually(lambda: self.batches == [[first]])
            answers += [threads.submit(self.ask, other) for other in others]
            eventually(lambda: len(self.ask.waiting) == len(others))
            meanwhile()
            self.opened.set()
        return answers


@pytest.fixture
def counter():
    return Counter()


def test_who_comes_alone_is_served_at_once(counter):
    counter.opened.set()
    assert [counter.ask(1), counter.ask(2)] == [10, 20]
    assert counter.batches == [[1], [2]]


def test_who_comes_meanwhile_is_served_together(counter):
    answers = counter.asked_at_once(1, 2, 3, 4)
    assert [answer.result() for answer in answers] == [10, 20, 30, 40]
    assert [sorted(batch) for batch in counter.batches] == [[1], [2, 3, 4]]


def test_an_error_of_one_is_nobody_elses(counter):
    _, good, bad, other = counter.asked_at_once(1, 2, 0, 3)
    assert [good.result(), other.result()] == [20, 30]
    with pytest.raises(ValueError, match="0"):
        bad.result()


def test_what_fails_altogether_fails_for_all_of_the_batch_and_for_no_other(counter):
    first, *others = counter.asked_at_once(1, 13, 2)
    assert first.result() == 10
    for other in others:
        with pytest.raises(LookupError):
            other.result()
    assert counter.ask(3) == 30


@pytest.mark.django_db(transaction=True)
def test_a_login_that_is_deleted_before_the_commit_costs_nobody_else_an_order(
    catalogue, people
):
    orders = [
        NewOrder(items=[Item(sku="TEAPOT")], customer_id=people[name].pk)
        for name in ("owner", "stranger", "owner")
    ]
    counter = Counter(place_each)
    first, deleted, other = counter.asked_at_once(
        *orders, meanwhile=people["stranger"].delete
    )

    assert len(counter.batches[1]) == 2
    placed = {str(one.result().order.id) for one in (first, other)}
    assert placed == {str(pk) for pk in Order.objects.values_list("pk", flat=True)}
    with pytest.raises(IntegrityError):
        deleted.result()
