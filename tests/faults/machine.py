"""A shop that Hypothesis runs: it is relay, broker, workers, customers and the clock.

It decides which message is delivered next, how often, before which statement the
process dies, and what customers and partners do meanwhile. The database is real.
"""

from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from orders import services
from orders.errors import InvalidTransitionError
from orders.models import Order
from orders.pricing import Item, NewOrder
from orders_project import promises
from orders_project.messaging import packing, relay
from tests.faults.house import House
from tests.faults.outside import MOOD, MOODS
from tests.faults.paper import work

TOKENS = (
    "tok_ok",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_slow",
    "tok_timeout_once",
    "tok_unreachable",
    "tok_nobody_knows",
)


class Killed(BaseException):
    """kill -9: no handler of ours may catch it."""


@contextmanager
def dying(fuse):
    """Kill what runs in here before its statement of this number; 0 lets it live."""
    left = fuse

    def burn(execute, statement, *args):
        nonlocal left
        # Django does not roll back to a savepoint that could not be released.
        if left and "SAVEPOINT" not in statement:
            left -= 1
            if left == 0:
                raise Killed
        return execute(statement, *args)

    with connection.execute_wrapper(burn):
        yield


def dies(*, at):
    """Draw the statement before which the process is killed; 0 lets it live."""
    return st.integers(0, 3 * at).map(lambda number: number if number <= at else 0)


class Delivery(NamedTuple):
    """Some messages of one queue go to a worker, and what happens to it meanwhile."""

    number: int
    size: int = 5
    fuse: int = 0
    acknowledged: bool = True
    #: How the partner behaves that it calls, if any.
    mood: str = ""
    #: While it waits for that partner, another worker takes the message of this number.
    meanwhile: int | None = None


somewhere = st.integers(0, 99)
deliveries = st.builds(
    Delivery,
    number=somewhere,
    size=st.integers(1, 5),
    fuse=dies(at=12),
    acknowledged=st.booleans(),
    mood=st.sampled_from(MOODS),
    meanwhile=st.none() | somewhere,
)
wishes = st.builds(
    NewOrder,
    items=st.builds(
        lambda sku, quantity: [Item(sku=sku, quantity=quantity)],
        st.sampled_from(["TEAPOT", "KETTLE"]),
        st.integers(1, 3),
    ),
    method=st.sampled_from(["prepaid", "cod"]),
    payment_token=st.sampled_from(TOKENS),
    priority=st.sampled_from(["normal", "urgent"]),
    email=st.just("ada@example.com"),
    phone=st.just("+4912345"),
)


class Shop(House, RuleBasedStateMachine):
    """The whole system, one step at a time."""

    orders = Bundle("orders")

    @initialize()
    def open_shop(self):
        self.open(TEAPOT=6, KETTLE=2)

    def teardown(self):
        if hasattr(self, "world"):
            self.close()

    # ---- what customers do
    @rule(target=orders, wanted=wishes, fuse=dies(at=5))
    def order(self, wanted, fuse):
        survived = self.survives(partial(self.place, wanted), fuse)
        return wanted.id if survived else multiple()

    @rule(order=orders, fuse=dies(at=4))
    def cancel(self, order, fuse):
        self.survives(partial(self.ask, services.cancel_order, order), fuse)

    @rule(order=orders, fuse=dies(at=4))
    def confirm_delivery(self, order, fuse):
        self.survives(partial(self.ask, services.confirm_delivery, order), fuse)

    def ask(self, service, order):
        with suppress(InvalidTransitionError):
            service(order)

    # ---- what relay, broker and workers do
    @rule(handful=st.integers(1, 8), fuse=dies(at=3))
    def publish(self, handful, fuse):
        packing.HANDFUL = packing.GRIP = handful
        self.survives(partial(relay.carry, self.broker), fuse)

    @precondition(lambda self: self.has_messages)
    @rule(how=deliveries)
    def deliver(self, how):
        copies = self.broker.batch(how.number, how.size)
        MOOD.next = how.mood
        if how.meanwhile is not None:
            MOOD.meanwhile = partial(self.another_worker, how.meanwhile)
        if self.survives(partial(work, copies), how.fuse) and how.acknowledged:
            self.broker.acknowledge(copies)
        else:
            self.broker.came_back(copies)
        MOOD.forget()

    def another_worker(self, number):
        # A process of its own: it must not burn the fuse of the one that waits.
        wrappers = connection.execute_wrappers
        connection.execute_wrappers = []
        try:
            self.deliver(Delivery(number))
        finally:
            connection.execute_wrappers = wrappers

    @precondition(lambda self: self.has_messages)
    @rule(number=somewhere)
    def duplicate(self, number):
        self.broker.duplicate(number)

    @rule(rounds=st.integers(1, 3))
    def go_on(self, rounds):
        for _ in range(rounds):
            self.deliver_all()

    # ---- what happens by itself
    @rule()
    def hours_pass(self):
        self.wait_long()

    @rule()
    def nobody_pays_in_time(self):
        self.turn((Order, "created_at"))
        services.expire_orders()

    @rule()
    def verify(self):
        assert not list(promises.violations(resting=False))

    @property
    def has_messages(self):
        return bool(self.broker.ready)

    # ---- kill -9
    def survives(self, deed, fuse):
        """Do something, unless the process dies before its statement number `fuse`."""
        try:
            with dying(fuse):
                deed()
        except Killed:
            return False
        return True
