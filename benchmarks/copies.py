"""More of one process, each at the end of a slow line, as on another machine.

With the line a process waits more than it works, and two cores have room for four.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from kombu import Connection

from benchmarks import trial
from benchmarks.contestants import WAYBILL
from benchmarks.room import OTHERS
from deploy.local.processes import RELAY
from deploy.local.waiting import until
from orders_project.messaging.envelope import MAX_EVENTS
from orders_project.messaging.topology import QUEUES
from tests.faults.proxy import Proxy

COUNTS = (1, 2, 4)
#: Carried by each run.
EVENTS = 12_000
#: Seconds for every piece of at most 64 KiB, each way.
DELAY = 0.01

#: As if the events had just been said, so many in a parcel.
PACK = """
    INSERT INTO messaging_parcel (exchange, routing_key, priority, event_ids)
    SELECT 'order.exchange', type, 1, array_agg(id) FROM (
        SELECT id, type, row_number() OVER (ORDER BY id) / %s AS part
        FROM messaging_event WHERE type = 'order.created'
    ) AS e GROUP BY type, part
"""
EMPTY = """
    TRUNCATE messaging_parcel, messaging_inbox, audit_auditrecord,
        inventory_reservation, inventory_reservationline
"""
WORKER = (
    "celery -A orders_project worker -Q {} -c 1 -O fair"
    " --without-gossip --without-mingle"
)


@dataclass(frozen=True)
class Many:
    """What runs several times, its slow line, and what tells how far it is."""

    command: str
    slow: str
    carried: str
    queue: str = ""
    in_a_parcel: int = MAX_EVENTS

    def copy(self, one: int) -> str:
        return f"{self.command} -n copy{one}@%h" if self.queue else self.command


MANY = {
    "relay": Many(
        RELAY.command,
        "AMQP_URL",
        f"SELECT {EVENTS} - count(*) FROM messaging_parcel",
        in_a_parcel=1,
    ),
    "audit.queue": Many(
        WORKER.format("audit.queue"),
        "DATABASE_URL",
        "SELECT count(*) FROM audit_auditrecord",
        "audit.queue",
    ),
    "inventory.queue": Many(
        WORKER.format("inventory.queue"),
        "DATABASE_URL",
        "SELECT count(*) FROM inventory_reservation",
        "inventory.queue",
    ),
}


def place(stage: trial.Stage) -> None:
    """Place the orders whose first events every run says anew."""
    stage.prepare(EVENTS)
    with stage.process(trial.PLACING, WAYBILL.place) as placing:
        stage.processes[trial.PLACING] = placing
        stage.say(f"0 {EVENTS}")
        _await(stage, "SELECT count(*) FROM orders_order", EVENTS)


def rate(stage: trial.Stage, many: Many, count: int) -> float:
    """Return orders a second through so many copies, each at the end of a slow line."""
    _empty(stage)
    slow = {many.slow: _slow(stage.environment[many.slow]), "PREFETCH": "1"}
    with ExitStack() as stack:
        for one in range(count):
            stack.enter_context(stage.process(f"copy-{one}", many.copy(one), **slow))
        until(lambda: _ready(stage, many) == count, what="the copies", seconds=60)
        stage.room.cursor.execute(PACK, [many.in_a_parcel])
        if many.queue:
            stack.enter_context(stage.process("relay", RELAY.command))
        return _clocked(stage, many.carried)


def _empty(stage: trial.Stage) -> None:
    stage.room.cursor.execute(EMPTY)
    with Connection(stage.room.amqp_url) as broker, broker.channel() as channel:
        for queue in QUEUES:
            channel.queue_purge(queue.name)


def _slow(url: str) -> str:
    """Return the address of a proxy that takes its time."""
    port = urlsplit(url).port
    proxy = Proxy(port)
    proxy.delay = DELAY
    return url.replace(f":{port}/", f":{proxy.port}/")


def _ready(stage: trial.Stage, many: Many) -> int:
    """Count the copies that are at work: workers hear, relays are connected."""
    if not many.queue:
        return _count(stage, OTHERS)
    with Connection(stage.room.amqp_url) as broker, broker.channel() as channel:
        return channel.queue_declare(many.queue, passive=True).consumer_count


def _clocked(stage: trial.Stage, carried: str) -> float:
    first = _await(stage, carried, 1)
    start = time.monotonic()
    _await(stage, carried, EVENTS)
    return (EVENTS - first) / (time.monotonic() - start)


def _await(stage: trial.Stage, query: str, wanted: int) -> int:
    """Return the count once it is as large as wanted."""
    until(lambda: _count(stage, query) >= wanted, what=query, seconds=120)
    return _count(stage, query)


def _count(stage: trial.Stage, query: str) -> int:
    stage.room.cursor.execute(query)
    return stage.room.cursor.fetchone()[0]
