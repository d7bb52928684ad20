"""Every exchange, queue and binding on the broker. To know the system, read this.

Plain kombu values; nothing here connects. `manage.py topology --apply` declares
them, `--check` compares them with the live broker.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from kombu import Exchange, Queue, binding

from orders_project.messaging.events import NORMAL, URGENT, Event

MAX_PRIORITY = URGENT
NOTIFICATION_TTL_SECONDS = 24 * 60 * 60
#: Bytes of a word that an event brings into an alias, of which one holds two at most.
MAX_WORD = 100

# QUEUE_TYPE=quorum is for clusters on RabbitMQ 4.x, which has priorities built in;
# 3.10 refuses x-max-priority on a quorum queue, and 4.x ignores it.
# Without a limit 4.x throws away what came back to a queue twenty times, and each
# tidying gives dead.letter.queue back what stays. Only 4.x reads -1 as no limit.
QUORUM: dict[str, object] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 1_000_000_000,
}
SHAPES: Mapping[str, dict[str, object]] = {
    "classic": {"x-max-priority": MAX_PRIORITY},
    "quorum": QUORUM,
}
SHAPE = SHAPES.get(os.environ.get("QUEUE_TYPE", ""), SHAPES["classic"])
#: Of queues in which nothing is urgent. On a cluster these are quorum queues, too: when
#: the node of a classic queue is down, declaring it fails, and so would the start.
PLAIN_SHAPE = QUORUM if SHAPE is QUORUM else {}

# ---- exchanges
UNROUTED_EXCHANGE = Exchange("unrouted.exchange", type="fanout")
ORDER_EXCHANGE = Exchange(
    "order.exchange",
    type="topic",
    arguments={"alternate-exchange": UNROUTED_EXCHANGE.name},
)
AUDIT_EXCHANGE = Exchange("audit.fanout.exchange", type="fanout")
NOTIFICATION_EXCHANGE = Exchange("notification.exchange", type="fanout")
MARKET_EXCHANGE = Exchange("market.exchange", type="headers")
PAYMENT_EXCHANGE = Exchange("payment.exchange", type="direct")
TASK_EXCHANGE = Exchange("task.exchange", type="direct")
DEAD_EXCHANGE = Exchange("dead.exchange", type="topic")


class Road(NamedTuple):
    """A binding from one exchange to another."""

    source: Exchange
    routing_key: str
    destination: Exchange


ROADS: Sequence[Road] = (
    # Audit by the apps' prefixes, never by "#": that would make every message
    # routable, and the alternate exchange would catch nothing.
    *(
        Road(ORDER_EXCHANGE, f"{app}.#", AUDIT_EXCHANGE)
        for app in ("order", "inventory", "payment", "shipping")
    ),
    Road(ORDER_EXCHANGE, "order.*", NOTIFICATION_EXCHANGE),
    Road(ORDER_EXCHANGE, "order.created", MARKET_EXCHANGE),
)


# ---- queues
def work_queue(name: str, *, hears: Sequence[str]) -> Queue:
    """Build what an app hears of the events: urgent orders first."""
    # With bindings kombu drops the exchange; without a routing key of its own Celery
    # would bind the queue to Celery's default exchange as well.
    bindings = [binding(ORDER_EXCHANGE, key) for key in hears]
    return Queue(
        name, routing_key=name, bindings=bindings, queue_arguments=arguments(name)
    )


def direct_queue(name: str, exchange: Exchange, routing_key: str = "") -> Queue:
    """Build a queue with one way in, such as an app's Celery tasks have."""
    key = routing_key or name
    return Queue(name, exchange, routing_key=key, queue_arguments=arguments(name))


def arguments(name: str) -> dict[str, object]:
    """Return a work queue's arguments: what is rejected from it is parked.

    The dead-letter exchange leads to parking only, never into a retry rung: the
    broker drops a message that went round such a cycle without a rejection
    (https://www.rabbitmq.com/docs/dlx#dead-letter-cycle).
    """
    return SHAPE | {
        "x-dead-letter-exchange": DEAD_EXCHANGE.name,
        "x-dead-letter-routing-key": name,
    }


def notification_queue(name: str) -> Queue:
    """Build a queue whose messages expire: a late mail helps no one.

    No dead-letter exchange here: what expires would be parked as if it had failed.
    """
    return Queue(
        name,
        NOTIFICATION_EXCHANGE,
        routing_key=name,
        message_ttl=NOTIFICATION_TTL_SECONDS,
        queue_arguments=SHAPE,
    )


def plain_queue(name: str, exchange: Exchange, routing_key: str) -> Queue:
    """Build a queue without priorities, of which the broker parks nothing."""
    return Queue(name, exchange, routing_key=routing_key, queue_arguments=PLAIN_SHAPE)


INVENTORY_QUEUE = work_queue(
    "inventory.queue",
    hears=("order.created", "payment.success", "payment.failed", "order.cancelled"),
)
PAYMENT_QUEUE = work_queue(
    "payment.queue",
    hears=("inventory.reserved", "shipping.delivered", "order.cancelled"),
)
ORDER_QUEUE = work_queue(
    "order.queue",
    hears=(
        "inventory.out_of_stock",
        "payment.success",
        "payment.failed",
        "shipping.prepared",
        "shipping.delivered",
    ),
)
SHIPPING_QUEUE = work_queue(
    "shipping.queue",
    hears=(
        "payment.success",
        "payment.cod_accepted",
        "order.shipped",
        "order.delivery_confirmed",
        "order.cancelled",
    ),
)
ANALYTICS_QUEUE = work_queue("analytics.queue", hears=("order.analytics.#",))
FAILED_ORDER_QUEUE = work_queue("failed.order.queue", hears=("order.failed.#",))
AUDIT_QUEUE = direct_queue("audit.queue", AUDIT_EXCHANGE)
EMAIL_QUEUE = notification_queue("email.queue")
SMS_QUEUE = notification_queue("sms.queue")

PREPAID_QUEUE = direct_queue("payment.prepaid.queue", PAYMENT_EXCHANGE, "prepaid")
COD_QUEUE = direct_queue("payment.cod.queue", PAYMENT_EXCHANGE, "cod")
ORDER_TASKS, SHIPPING_TASKS, NOTIFICATION_TASKS, MESSAGING_TASKS = (
    direct_queue(f"{app}.tasks", TASK_EXCHANGE)
    for app in ("order", "shipping", "notifications", "messaging")
)
# Asked through the default exchange, which binds every queue by its name. The other
# binding is here because Celery would make one of its own for a queue without.
PAYMENT_RPC_QUEUE = plain_queue("payment.rpc.queue", TASK_EXCHANGE, "payment.rpc.queue")

DEAD_LETTER_QUEUE = plain_queue("dead.letter.queue", DEAD_EXCHANGE, "#")
# A second copy of every dead letter, for the desk: reading it leaves the first parked.
DEAD_DESK_QUEUE = plain_queue("dead.desk.queue", DEAD_EXCHANGE, "#")
UNROUTED_QUEUE = plain_queue("unrouted.queue", UNROUTED_EXCHANGE, "unrouted")

CONSUMED: Sequence[Queue] = (
    INVENTORY_QUEUE,
    PAYMENT_QUEUE,
    ORDER_QUEUE,
    SHIPPING_QUEUE,
    ANALYTICS_QUEUE,
    FAILED_ORDER_QUEUE,
    AUDIT_QUEUE,
    EMAIL_QUEUE,
    SMS_QUEUE,
    PREPAID_QUEUE,
    COD_QUEUE,
    ORDER_TASKS,
    SHIPPING_TASKS,
    NOTIFICATION_TASKS,
    MESSAGING_TASKS,
    PAYMENT_RPC_QUEUE,
    DEAD_DESK_QUEUE,
)
PARKED: Sequence[Queue] = (DEAD_LETTER_QUEUE, UNROUTED_QUEUE)


# ---- retry: a rung is an exchange and a queue whose messages go home when they expire
class Rung(NamedTuple):
    """Where a message waits `seconds` before it returns to its queue."""

    seconds: int
    exchange: Exchange
    queue: Queue


def rung(name: str, seconds: int) -> Rung:
    # The time is in the name: a queue's TTL cannot be changed, only a new one declared.
    # One queue per time: RabbitMQ expires at the head only (rabbitmq.com/docs/ttl).
    exchange = Exchange(f"retry.{name}", type="fanout")
    queue = Queue(
        f"retry.{name}",
        exchange,
        routing_key=exchange.name,
        message_ttl=seconds,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    return Rung(seconds, exchange, queue)


RUNGS: Sequence[Rung] = (
    rung("5s", 5),
    rung("30s", 30),
    rung("2m", 120),
    rung("10m", 600),
)

EXCHANGES: Sequence[Exchange] = (
    UNROUTED_EXCHANGE,
    ORDER_EXCHANGE,
    AUDIT_EXCHANGE,
    NOTIFICATION_EXCHANGE,
    MARKET_EXCHANGE,
    PAYMENT_EXCHANGE,
    TASK_EXCHANGE,
    DEAD_EXCHANGE,
    *(rung.exchange for rung in RUNGS),
)
QUEUES: Sequence[Queue] = (*CONSUMED, *PARKED, *(rung.queue for rung in RUNGS))

# ---- Celery tasks: which queue carries them. Event handlers are not here: they are
# never sent, they run where their events arrive.
TASK_ROUTES: Mapping[str, Queue] = {
    "payments.tasks.authorise": PREPAID_QUEUE,
    "payments.tasks.capture": PREPAID_QUEUE,
    "payments.tasks.refund": PREPAID_QUEUE,
    "payments.tasks.resume": PREPAID_QUEUE,
    "payments.tasks.accept": COD_QUEUE,
    "payments.tasks.collect": COD_QUEUE,
    "orders.tasks.*": ORDER_TASKS,
    "shipping.tasks.*": SHIPPING_TASKS,
    "notifications.tasks.*": NOTIFICATION_TASKS,
    "messaging.*": MESSAGING_TASKS,
    "orders_project.tasks.*": MESSAGING_TASKS,
}

# ---- aliases: the other names under which an event is heard (AMQP header CC)
ALIASES: Mapping[str, Sequence[str]] = {
    "order.created": (
        "order.{speed}.created",
        "order.{country}.{category}",
        "order.analytics.created",
        "order.notification.created",
    ),
    "order.paid": ("order.analytics.paid", "order.notification.paid"),
    "order.shipped": ("order.analytics.shipped", "order.notification.shipped"),
    "order.completed": ("order.analytics.completed", "order.notification.completed"),
    "order.cancelled": ("order.analytics.cancelled", "order.notification.cancelled"),
    "inventory.out_of_stock": ("order.failed.out_of_stock",),
    "payment.failed": ("order.failed.{reason}",),
}

#: The aliases by which our own queues hear. An event that is sent again has only these,
#: with `again` for every word of its own: who only counts does not count it twice.
OURS = ("order.analytics.", "order.failed.")
ALIASES_AGAIN: Mapping[str, Sequence[str]] = {
    kind: [re.sub(r"{\w+}", "again", one) for one in names if one.startswith(OURS)]
    for kind, names in ALIASES.items()
}

HEADERS: Mapping[str, Sequence[str]] = {
    "order.created": ("country", "category", "method", "priority"),
}


def aliases(event: Event) -> list[str]:
    """Return the further routing keys of an event, as the broker expects in `CC`."""
    words = _Words(event)
    return [alias.format_map(words) for alias in ALIASES.get(event.type, ())]


def headers(event: Event) -> dict[str, str | int]:
    """Return what subscribers of the headers exchange may match on."""
    return {name: getattr(event, name) for name in HEADERS.get(event.type, ())}


class _Words(dict[str, str]):
    def __init__(self, event: Event) -> None:
        self.event = event

    def __missing__(self, name: str) -> str:
        if name == "speed":
            return "priority" if self.event.priority > NORMAL else "normal"
        return one_word(str(getattr(self.event, name)))


def one_word(text: str) -> str:
    """Make text one word of a routing key: a dot or a space would split or spoil it.

    AMQP allows 255 bytes for the whole key.
    """
    word = "_".join(text.lower().replace(".", " ").split()) or "none"
    return word.encode(errors="ignore")[:MAX_WORD].decode(errors="ignore")


def keys_of(queue: Queue) -> Iterator[tuple[Exchange, str]]:
    """Yield every (exchange, routing key) that leads to a queue."""
    # Not its exchange first: Celery sets its own default on a queue with bindings.
    for bound in queue.bindings or (binding(queue.exchange, queue.routing_key),):
        yield cast("Exchange", bound.exchange), bound.routing_key


#: Queues whose bindings name each event: another here is a newer release's.
BY_NAME = {
    queue.name
    for queue in CONSUMED
    if queue.bindings and not any(set("#*") & set(key) for _, key in keys_of(queue))
}

#: Events without a handler beside the audit, and why that is right.
AUDIT_ONLY: Mapping[str, str] = {
    "inventory.committed": "the end of a path: the stock is sold",
    "inventory.released": "the end of a path: the stock is back",
    "payment.refunded": "the end of a path: the money is back, as the timeline shows",
}
