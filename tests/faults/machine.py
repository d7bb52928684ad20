"""A shop that Hypothesis runs: it is relay, broker, workers, customers and the clock.

It decides which message is delivered next, how often, before which statement the
process dies, and what customers and partners do meanwhile. The database is real.
"""

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from celery import current_app
from django.core import mail
from django.db import connection, transaction
from django.db.models import F
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from audit.selectors import violations as audit_violations
from inventory.services import receive_stock
from notifications.models import Notification
from orders import lifecycle, services
from orders.errors import InvalidTransitionError
from orders.models import Order, Product
from orders.pricing import Item, NewOrder
from orders_project import promises
from orders_project.messaging import relay, sql
from orders_project.messaging.models import Parcel
from payments.models import GatewayEntry, Payment, Refund
from shipping.models import Shipment
from tests.faults.outside import MOOD, MOODS
from tests.faults.paper import PARKED, work

TOKENS = (
    "tok_ok",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_slow",
    "tok_timeout_once",
    "tok_unreachable",
    "tok_nobody_knows",
)
#: Why an order may be cancelled; "not_authorised" would be a fault of ours.
REASONS = {
    "customer",
    "out_of_stock",
    "declined",
    "insufficient_funds",
    "unknown_token",
    "gateway_unreachable",
}
BEAT = ("orders.tasks.sweep", "payments.tasks.resume", "shipping.tasks.resume")
#: Every column by which somebody waits.
CLOCKS = (
    (Order, "updated_at"),
    (Payment, "updated"),
    (Refund, "updated"),
    (Shipment, "updated"),
    (Notification, "due"),
    (Parcel, "due"),
)
LONG = timedelta(days=365)
#: At most so many times does everything have to be delivered until nothing moves.
ROUNDS = 60


class Killed(BaseException):
    """kill -9: no handler of ours may catch it."""


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


class Shop(RuleBasedStateMachine):
    """The whole system, one step at a time."""

    orders = Bundle("orders")

    @initialize()
    def open_shop(self):
        self.world = transaction.atomic()
        # The gateway's `durable` transactions would refuse to run inside any other.
        self.world._from_testcase = True
        self.world.__enter__()
        self.broker, self.placed, self.fuse = current_app.producer_pool, set(), 0
        self.broker.copies.clear()
        mail.outbox.clear()
        MOOD.texts.clear()
        MOOD.forget()
        for sku in ("TEAPOT", "KETTLE"):
            Product.objects.create(
                sku=sku, name=sku, category="Kitchen", unit_cents=1999, currency="USD"
            )
        receive_stock({"TEAPOT": 6, "KETTLE": 2})

    def teardown(self):
        if hasattr(self, "world"):
            try:
                self.come_to_rest()
                self.check()
            finally:
                transaction.set_rollback(True)
                self.world.__exit__(None, None, None)

    # ---- what customers do
    @rule(target=orders, wanted=wishes, fuse=dies(at=5))
    def place(self, wanted, fuse):
        if self.survives(partial(services.place_orders, [wanted]), fuse):
            self.placed.add(wanted.id)
            return wanted.id
        return multiple()

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
        relay.HANDFUL = handful
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
        fuse, self.fuse = self.fuse, 0
        self.deliver(Delivery(number))
        self.fuse = fuse

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
    def wait_long(self):
        for model, column in CLOCKS:
            model.objects.update(**{column: F(column) - LONG})
        self.broker.expire()
        for task in BEAT:
            current_app.tasks[task]()

    @rule()
    def verify(self):
        assert not list(promises.violations(resting=False))

    # ---- how it all ends
    def come_to_rest(self):
        for _ in range(ROUNDS):
            if not self.deliver_all():
                if self.is_at_rest():
                    return
                self.wait_long()
                self.broker.replay()
        raise AssertionError(f"Still moving after {ROUNDS} rounds: {self.open_orders}")

    def deliver_all(self):
        relay.HANDFUL = 1000
        moved = 0
        while relay.carry(self.broker):
            moved += 1
        for copies in list(self.in_batches()):
            moved += 1
            work(copies)
            self.broker.acknowledge(copies)
        return moved

    def in_batches(self):
        """Yield what is ready: events of one queue together, each task alone."""
        ready = self.broker.ready
        for queue in dict.fromkeys(one.queue for one in ready if not one.is_task):
            yield [one for one in ready if one.queue == queue and not one.is_task]
        yield from ([one] for one in ready if one.is_task)

    @property
    def has_messages(self):
        return bool(self.broker.ready)

    @property
    def open_orders(self):
        return Order.objects.filter(status__in=lifecycle.OPEN).values_list(
            "id", "status"
        )

    def is_at_rest(self):
        waiting = [one for one in self.broker.copies if one.queue not in PARKED]
        dead = [one for one in self.broker.copies if one.queue in PARKED]
        return not (waiting or dead or Parcel.objects.exists() or self.moving())

    def moving(self):
        return (
            self.open_orders.exists()
            or Payment.objects.filter(status="voiding").exists()
            or Refund.objects.filter(status="requested").exists()
        )

    def check(self):
        for promise in (*promises.ALWAYS, *promises.RESTING):
            assert not sql.fetch(promise.query), promise.sentence
        assert not list(audit_violations())
        found = {str(one) for one in Order.objects.values_list("id", flat=True)}
        assert found == self.placed
        reasons = Order.objects.filter(status="cancelled").values_list("reason")
        assert {reason for (reason,) in reasons} <= REASONS
        held = GatewayEntry.objects.filter(state="authorised").values_list("order_id")
        assert len(held) == len(set(held)), "money was held twice"
        mails = [one.extra_headers["Message-ID"] for one in mail.outbox]
        assert len(mails) == len(set(mails))
        assert len(MOOD.texts) == len(set(MOOD.texts))

    # ---- kill -9
    def survives(self, deed, fuse):
        """Do something, unless the process dies before its statement number `fuse`."""
        self.fuse = fuse
        try:
            with connection.execute_wrapper(self.burn):
                deed()
        except Killed:
            return False
        return True

    def burn(self, execute, statement, *args):
        # Django does not roll back to a savepoint that could not be released.
        if self.fuse and "SAVEPOINT" not in statement:
            self.fuse -= 1
            if self.fuse == 0:
                raise Killed
        return execute(statement, *args)
