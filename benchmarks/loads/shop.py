"""A private system at work, and what a load asks of it."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg2

from benchmarks import orders
from benchmarks.cpu import cpu_seconds
from benchmarks.loads import client
from deploy.local import (
    application,
    lifecycle,
    processes,
    rabbitmq,
    servers,
    status,
    supervise,
)
from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.processes import Process
from deploy.local.say import say
from deploy.local.session import short_lived
from deploy.local.system import System
from deploy.local.waiting import until
from orders_project.messaging.events import first_id, utc_now

#: Mails and text messages are noted and not sent, as in benchmarks/waybill.
UNHEARD = "notifications.tasks"
WORKERS = [
    replace(
        one,
        command=one.command.replace(f",{UNHEARD}", ""),
        queues=tuple(name for name in one.queues if name != UNHEARD),
    )
    for one in processes.local_workers()
]
PROCESSES = [processes.WEB, processes.RELAY, *WORKERS]
#: Whoever holds it back holds all orders back.
FIRST_STAGE = [one for one in WORKERS if "inventory.queue" in one.queues]
WARM_UP = 100
#: Rarely enough that looking costs nothing, with a hundred thousand orders too.
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60

OPEN = "SELECT count(*) FROM orders_order WHERE is_open"
#: Each row below is made last, in its own corner: with all of them there nothing moves.
LEFT = {
    "orders not ended": OPEN,
    "parcels in the outbox": "SELECT count(*) FROM messaging_parcel",
}
RECORDED = "SELECT count(*) FROM audit_auditrecord WHERE event_id >= %s"
NOTED = """
    SELECT count(*) FROM notifications_notification
    WHERE order_id >= %s AND milestone <> 'confirmed'
"""
#: And of these each order has so many.
MADE = {
    "records": (RECORDED, orders.EVENTS),
    "notifications": (NOTED, orders.NOTIFICATIONS),
}
SPAN = """
    SELECT extract(epoch FROM (SELECT max(at) FROM messaging_work) - min(created_at))
    FROM orders_order WHERE id >= %s
"""
LATENCIES = """
    SELECT extract(epoch FROM completed_at - created_at)::float FROM orders_order
    WHERE id >= %s AND completed_at IS NOT NULL ORDER BY created_at
"""


class Shop:
    """Its processes run under their supervisor; the cursor is ours alone."""

    cursor: Any

    def __init__(self, system: System) -> None:
        self.system = system

    # ---- processes
    def start(self, wanted: Iterable[Process]) -> None:
        wanted = list(wanted)
        supervise.start(self.system, application.programs(self.system, wanted))
        for process in wanted:
            application.wait_for(self.system, process)

    def start_workers(self) -> None:
        """Start the first stage last: no order moves until all others are ready."""
        self.start(one for one in WORKERS if one not in FIRST_STAGE)
        self.start(FIRST_STAGE)

    def halt(self, unwanted: Iterable[Process]) -> None:
        for program in application.programs(self.system, unwanted):
            supervise.halt(self.system, program)

    def pids(self) -> dict[str, int]:
        """The process ids of all that runs, the servers too, by name."""
        return status.pids(self.system)

    def cpu(self) -> Counter[str]:
        """The CPU seconds of all that runs until now, by name."""
        pids = self.pids().items()
        return Counter({name: cpu_seconds(pid) for name, pid in pids})

    def log(self, name: str) -> str:
        file = self.system.folder / "log" / f"{name}.log"
        return file.read_text(errors="replace")

    def run(self, *words: str, **more: str) -> None:
        """Run a program of ours to its end, from the checkout."""
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={**self.system.environment(), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PlainError(f"{' '.join(words)} fails:\n{done.stderr[-3000:]}")

    # ---- orders
    def place(self, count: int) -> str:
        """Place so many orders, five hundred in a transaction; returns their mark."""
        first, file = mark(), self.system.folder / "orders.json"
        orders.write(file, count)
        with subprocess.Popen(
            ["python", "benchmarks/waybill/place.py"],
            cwd=ROOT,
            env={**self.system.environment(), "ORDERS": str(file)},
            stdin=subprocess.PIPE,
            text=True,
        ) as placing:
            placing.communicate(f"0 {count}\n")
        if placing.returncode:
            raise PlainError("the orders were not placed: see above")
        return first

    def carry(self, count: int) -> float:
        """Place so many orders and await their end; returns the seconds from the first
        of them to the last of the work.
        """
        first = self.place(count)
        self.await_end(first, count)
        return float(self.one(SPAN, first))

    def await_end(self, first: str, count: int) -> None:
        """Return when the orders since a mark are completed, recorded and noted."""
        seen, deadline = "", 0.0
        while found := self.missing(first, count):
            if found != seen:
                seen, deadline = found, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise PlainError(f"nothing moves any more: {found}")
            time.sleep(LOOK_SECONDS)

    def missing(self, first: str, count: int) -> str:
        """Say what the orders since a mark still lack, if anything."""
        for what, statement in LEFT.items():
            if found := self.one(statement):
                return f"{found} {what}"
        for what, (statement, each) in MADE.items():
            if (found := self.one(statement, first)) < count * each:
                return f"{found} of {count * each} {what}"
        return ""

    def latencies(self, first: str) -> list[float]:
        """Seconds from placed to completed, of the orders since a mark."""
        return [seconds for (seconds,) in self.all(LATENCIES, first)]

    def queued(self) -> dict[str, int]:
        """What waits or is in hand anywhere, by name; nothing where all is at rest."""
        known = rabbitmq.ask(self.system, "queues/%2F") or []
        depths = {one["name"]: one.get("messages", 0) for one in known}
        depths |= {what: self.one(statement) for what, statement in LEFT.items()}
        return {name: n for name, n in depths.items() if n and name != UNHEARD}

    # ---- the database
    def all(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        self.cursor.execute(statement, params)
        return self.cursor.fetchall()

    def one(self, statement: str, *params: Any) -> Any:
        return self.all(statement, *params)[0][0]

    def administer(self, *statements: str) -> None:
        """Run what no transaction may hold, from outside the shop's database."""
        server = self.system.database_url.rpartition("/")[0]
        with closing(psycopg2.connect(f"{server}/postgres")) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)

    @contextmanager
    def connected(self) -> Iterator[None]:
        self._connect()
        try:
            yield
        finally:
            self.cursor.connection.close()

    def _connect(self) -> None:
        connection = psycopg2.connect(self.system.database_url)
        connection.autocommit = True
        self.cursor = connection.cursor()
        # What we ask is no statement of Waybill's.
        self.cursor.execute("SET pg_stat_statements.track = none")

    @contextmanager
    def at_rest(self, programs: Sequence[Process]) -> Iterator[None]:
        """Keep all of its processes, and us, away from the database meanwhile."""
        supervise.halt_all(self.system, "app")
        until(lambda: not self._running(programs), what="stopping", seconds=30)
        self.cursor.connection.close()
        yield
        self._connect()
        self.start(programs)

    def _running(self, programs: Sequence[Process]) -> bool:
        return any(one.name in self.pids() for one in programs)


@contextmanager
def shop(programs: Sequence[Process] = PROCESSES) -> Iterator[Shop]:
    """Yield a fresh one with two hundred products, all of it at work and warm."""
    with short_lived("bench") as system:
        lifecycle.prepare(system, application.programs(system, programs))
        say("starting a private system")
        servers.start(system)
        own = Shop(system)
        own.run("python", "benchmarks/waybill/prepare.py")
        own.start(programs)
        with own.connected():
            own.carry(WARM_UP)
            if processes.WEB in programs:
                client.order(system.web, rate=20, seconds=2)
                own.await_end(mark(), 0)
            yield own


def mark() -> str:
    """Return an id below which are all ids that were made before this moment."""
    return first_id(utc_now())
