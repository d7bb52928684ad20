"""The events that cross a wall between apps. Nothing else does.

Each class is a promise to readers we cannot see: fields are added with a default,
never renamed, and every field is plain JSON, because a reader need not be Python.
What was said before is sent again from the log, for years, and has no field that came
later: without a default it would be parked.
Plain Python: this page knows neither Django nor Celery.
"""

import builtins
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar, get_args
from uuid import UUID

import msgspec
import uuid_utils

E = TypeVar("E", bound="Event")

NORMAL = 1
#: Quorum queues of RabbitMQ 4.0 to 4.2 know two priorities: 0 to 4, and 5 or more
#: (https://www.rabbitmq.com/docs/quorum-queues#priorities).
URGENT = 5
Method = Literal["prepaid", "cod"]
METHODS: tuple[str, ...] = get_args(Method)
#: Fields that are about a person: left out, or masked, where events are shown.
PRIVATE = frozenset({"email", "phone", "payment_token"})


def new_id() -> str:
    """Return a UUIDv7: ids that grow with time keep the indexes dense (RFC 9562)."""
    return str(uuid_utils.uuid7())


def first_id(moment: datetime, *, later: float = 0) -> str:
    """Return the least id of a moment, or of one some seconds later: ids begin with it.

    By numbers, since a year 9999 has no later moment.
    """
    milliseconds = int((moment.timestamp() + later) * 1000)
    return str(UUID(int=max(milliseconds, 0) << 80))


def utc_now() -> datetime:
    return datetime.now(UTC)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of one sku, at the price of that moment in minor units."""

    sku: str
    quantity: int
    unit_cents: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one order. The fields here travel as CloudEvents attributes.

    `cause` is the id of the event that led to this one, `trace` a W3C
    traceparent, and `priority` (NORMAL or URGENT) the order's, all its way.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1

    order_id: str
    id: str = msgspec.field(default_factory=new_id)
    time: datetime = msgspec.field(default_factory=utc_now)
    cause: str | None = None
    trace: str | None = None
    priority: int = NORMAL

    def then(self, what: builtins.type[E], **data: Any) -> E:
        """Return the event `what` of the same order, caused by this one."""
        return what(
            order_id=self.order_id,
            cause=self.id,
            trace=self.trace,
            priority=self.priority,
            **data,
        )

    @classmethod
    def app(cls) -> str:
        """Name the app that says it: CloudEvents' `source`."""
        return app_of(cls.type)


class OrderCreated(Event, frozen=True, kw_only=True):
    """A customer ordered. `method` is prepaid or cod; the token is the gateway's."""

    type = "order.created"
    lines: tuple[Line, ...]
    total_cents: int
    currency: str
    method: str
    payment_token: str
    country: str
    category: str
    email: str
    phone: str


class OrderPaid(Event, frozen=True, kw_only=True):
    type = "order.paid"
    total_cents: int
    currency: str


class OrderShipped(Event, frozen=True, kw_only=True):
    """The order can no longer be cancelled: shipping may hand the parcel over."""

    type = "order.shipped"
    tracking: str


class DeliveryConfirmed(Event, frozen=True, kw_only=True):
    """The customer says that the parcel is there. Shipping marks it."""

    type = "order.delivery_confirmed"


class OrderCompleted(Event, frozen=True, kw_only=True):
    type = "order.completed"


class OrderCancelled(Event, frozen=True, kw_only=True):
    """The end of an order that failed or was called off; every app undoes its part."""

    type = "order.cancelled"
    reason: str


class StockReserved(Event, frozen=True, kw_only=True):
    """Every line is held. Carries on what payment needs, so that nobody must ask."""

    type = "inventory.reserved"
    total_cents: int
    currency: str
    method: str
    payment_token: str
    country: str


class StockRanOut(Event, frozen=True, kw_only=True):
    type = "inventory.out_of_stock"
    skus: tuple[str, ...]


class StockCommitted(Event, frozen=True, kw_only=True):
    type = "inventory.committed"


class StockReleased(Event, frozen=True, kw_only=True):
    type = "inventory.released"


class PaymentSucceeded(Event, frozen=True, kw_only=True):
    """The money is ours: captured at the gateway, or cash collected at the door."""

    type = "payment.success"
    amount_cents: int
    currency: str
    method: str
    country: str


class PaymentFailed(Event, frozen=True, kw_only=True):
    type = "payment.failed"
    reason: str


class CodAccepted(Event, frozen=True, kw_only=True):
    """Cash on delivery was agreed; the parcel may leave before the money comes."""

    type = "payment.cod_accepted"
    amount_cents: int
    currency: str
    country: str


class PaymentRefunded(Event, frozen=True, kw_only=True):
    type = "payment.refunded"
    amount_cents: int
    currency: str


class ShipmentPrepared(Event, frozen=True, kw_only=True):
    type = "shipping.prepared"
    carrier: str
    tracking: str


class ShipmentDelivered(Event, frozen=True, kw_only=True):
    type = "shipping.delivered"


EVENTS: Mapping[str, type[Event]] = {
    event.type: event
    for event in (
        OrderCreated,
        OrderPaid,
        OrderShipped,
        DeliveryConfirmed,
        OrderCompleted,
        OrderCancelled,
        StockReserved,
        StockRanOut,
        StockCommitted,
        StockReleased,
        PaymentSucceeded,
        PaymentFailed,
        CodAccepted,
        PaymentRefunded,
        ShipmentPrepared,
        ShipmentDelivered,
    )
}

APPS: Mapping[str, str] = {
    "order": "orders",
    "inventory": "inventory",
    "payment": "payments",
    "shipping": "shipping",
}


def app_of(kind: str) -> str:
    """Name the app that says a type of event, be it of a newer release."""
    prefix = kind.partition(".")[0]
    return APPS.get(prefix, prefix)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What one app may ask another while a person waits. A question only reads."""

    type: ClassVar[str]
    order_id: str


class PaymentAsked(Question, frozen=True, kw_only=True):
    """What does the gateway itself say of this order's payment?"""

    type = "payment.asked"
