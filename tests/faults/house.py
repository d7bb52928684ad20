"""A whole shop in one process: a real database, RabbitMQ on paper, and a clock of ours.

Everything is delivered in one order here; machine.py lets Hypothesis choose another.
"""

from datetime import timedelta

from celery import current_app
from django.core import mail
from django.db import transaction
from django.db.models import F

from audit.selectors import violations as audit_violations
from inventory.services import receive_stock
from notifications.models import Notification
from orders import lifecycle, services
from orders.models import Order, Product
from orders_project import promises
from orders_project.database import sql
from orders_project.messaging import packing, relay
from orders_project.messaging.models import Parcel
from payments.models import GatewayEntry, Payment, Refund
from shipping.models import Shipment
from tests.faults.outside import MOOD
from tests.faults.paper import PARKED, work
from tests.faults.sizes import size

#: Why an order may be cancelled; "not_authorised" would be a fault of ours.
REASONS = {
    "customer",
    "out_of_stock",
    "declined",
    "insufficient_funds",
    "unknown_token",
    "gateway_unreachable",
    "expired",
}
BEAT = (
    "orders.tasks.sweep",
    "payments.tasks.resume",
    "shipping.tasks.resume",
    "notifications.tasks.resume",
)
#: Every column by which somebody waits.
CLOCKS = (
    (Order, "updated_at"),
    (Payment, "updated"),
    (Payment, "tried"),
    (Refund, "updated"),
    (Refund, "tried"),
    (Shipment, "updated"),
    (Shipment, "tried"),
    (Notification, "due"),
    (Parcel, "due"),
)
LONG = timedelta(days=365)
#: At most so many times does everything have to be delivered until nothing moves: of
#: ten thousand orders one meets a gateway that fails ten times in a row.
ROUNDS = size(usual=60, nightly=200)


class House:
    """The shop and everybody in it. For tests with the fixture `on_paper`."""

    def open(self, **stock):
        self.world = transaction.atomic()
        # The gateway's `durable` transactions would refuse to run inside any other.
        self.world._from_testcase = True
        self.world.__enter__()
        self.broker, self.placed = current_app.producer_pool, set()
        self.broker.copies.clear()
        mail.outbox.clear()
        MOOD.texts.clear()
        MOOD.forget()
        for sku in stock:
            Product.objects.create(
                sku=sku, name=sku, category="Kitchen", unit_cents=1999, currency="USD"
            )
        receive_stock(stock)

    def close(self):
        """Deliver everything, look whether all is well, and forget it all."""
        try:
            self.come_to_rest()
            self.check()
        finally:
            transaction.set_rollback(True)
            self.world.__exit__(None, None, None)

    def place(self, *wanted):
        services.place_orders(wanted)
        self.placed |= {one.id for one in wanted}

    def wait_long(self):
        self.turn(*CLOCKS)
        self.broker.expire()
        for task in BEAT:
            current_app.tasks[task]()

    def turn(self, *clocks):
        for model, column in clocks:
            model.objects.update(**{column: F(column) - LONG})

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
        packing.HANDFUL = packing.GRIP = 1000
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
