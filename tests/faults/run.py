"""One run of one fault: customers order while it happens."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import psycopg2

from tests.awaiting import eventually
from tests.faults.client import CREATED, Customers, Try, wishes
from tests.faults.neighbours import Neighbours
from tests.faults.rig import Rig

#: Seconds between two looks at what should recover.
LOOK = 0.2
#: And between two words about how far it is.
TELL = 5
#: What was not there after so many times its bar never comes.
PATIENCE = 4

OPEN = "SELECT FROM orders_order WHERE is_open LIMIT 1"
SKUS = "SELECT sku FROM orders_product ORDER BY sku"

#: Tells whether something works again for orders placed after a moment (epoch seconds).
Sign = Callable[[Rig, float], bool]


def signed_by(statement: str) -> Sign:
    """Make a sign of a query that takes the moment, and yields a row once it works."""

    def works(rig: Rig, since: float) -> bool:
        return bool(rig.fetch(f"{statement} LIMIT 1", since))

    return works


orders_finish = signed_by(
    "SELECT FROM orders_order WHERE created_at >= to_timestamp(%s) "
    "AND completed_at IS NOT NULL"
)
orders_are_recorded = signed_by(
    "SELECT FROM audit_auditrecord a JOIN orders_order o ON o.id = a.order_id "
    "WHERE o.created_at >= to_timestamp(%s)"
)
customers_are_told = signed_by(
    "SELECT FROM notifications_notification n JOIN orders_order o ON o.id = n.order_id "
    "WHERE o.created_at >= to_timestamp(%s)"
)


@dataclass
class Recovery:
    """What must work again, from a moment on and within so many seconds."""

    what: str
    since: float
    within: float
    sign: Sign
    seconds: float | None = None

    @property
    def is_late(self) -> bool:
        return self.seconds is None or self.seconds > self.within

    def look(self, rig: Rig) -> None:
        try:
            there = self.sign(rig, self.since)
        except (psycopg2.Error, OSError):  # part of the fault
            return
        if there:
            self.seconds = time.time() - self.since


class Plan(NamedTuple):
    """Which fault, and how much of it: the same seed has the same orders and chance."""

    fault: str
    seed: int
    orders: int
    rate: float
    nightly: bool = False


class Run:
    """What a fault is given: the rig, customers who order, chance, and a notebook."""

    def __init__(self, rig: Rig, plan: Plan) -> None:
        self.rig, self.plan = rig, plan
        self.rng = Random(plan.seed)
        self.started = time.time()
        #: What must be parked: exactly this, as it is in the messages.
        self.poison: set[bytes] = set()
        name = f"{plan.fault}-{plan.seed}-{self.started:.0f}"
        skus = [sku for (sku,) in rig.fetch(SKUS)]
        wanted = wishes(skus, Random(plan.seed), name)
        self.customers = Customers(rig.system.web, wanted, plan.orders, plan.rate)
        #: (when, what) of everything that was done to the system.
        self.marks: list[tuple[float, str]] = []
        self.recoveries: list[Recovery] = []
        #: Broken rules of this fault alone, missed bars, and figures, in words.
        self.complaints: list[str] = []
        self.late: list[str] = []
        self.figures: list[str] = []
        self.neighbours = Neighbours()
        self._over = threading.Event()

    @property
    def ordering(self) -> bool:
        return self.customers.busy

    def finish(self, within: float = 240) -> None:
        """Return when nobody orders any more, and every order has come to its end."""
        self.customers.finish()
        eventually(lambda: not self.rig.fetch(OPEN), within=within, every=0.5)

    def pause(self, seconds: float) -> None:
        """Let the customers order for a while."""
        time.sleep(seconds)

    def mark(self, what: str) -> float:
        """Note what is done to the system now; returns the moment."""
        self.marks.append((time.time(), what))
        return self.marks[-1][0]

    def recovers(self, within: float, what: str = "", sign: Sign = orders_finish):
        """Expect that orders placed from now on succeed in so many seconds."""
        what = what or f"Orders after {self.marks[-1][1]}"
        self.recoveries.append(Recovery(what, time.time(), within, sign))

    def await_recovery(self) -> None:
        """Return when all that should has recovered, or never will."""
        eventually(lambda: not self._hopes(), within=600, every=LOOK)

    def complain(self, *complaints: str) -> None:
        self.complaints += complaints

    def answers(self, since: float, until: float) -> list[int | str]:
        """Return what the customers' requests in between were answered."""
        return [one.said for one in self._tries(since, until)]

    def p99(self, since: float, until: float) -> float:
        """Return within how many seconds 99 of 100 orders in between were accepted."""
        tries = self._tries(since, until)
        taken = sorted(one.seconds for one in tries if one.said == CREATED)
        return taken[int(len(taken) * 0.99)]

    def _tries(self, since: float, until: float) -> Iterator[Try]:
        for wish in list(self.customers.ledger):
            yield from (one for one in list(wish.tries) if since <= one.when < until)

    def watch(self, progress: Callable[[str], None]) -> None:
        """Look at what should recover, until it is over and all of it has."""
        told = time.monotonic()
        while (hopes := self._hopes()) or not self._over.is_set():
            for recovery in hopes:
                recovery.look(self.rig)
            if time.monotonic() - told > TELL:
                told = time.monotonic()
                progress(self.state(len(hopes)))
            time.sleep(LOOK)

    def state(self, hopes: int) -> str:
        granted, what = self.customers.granted, self.marks[-1:] or [(0, "nothing")]
        return (
            f"{self.plan.fault}: {granted} of {self.customers.count} orders, {hopes} "
            f"recoveries to come; last: {what[0][1]}"
        )

    def _hopes(self) -> list[Recovery]:
        now = time.time()
        return [
            one
            for one in self.recoveries
            if one.seconds is None and now < one.since + one.within * PATIENCE
        ]

    def play(
        self, fault: Callable[["Run"], None], progress: Callable[[str], None]
    ) -> None:
        """Let the fault happen under orders; return when each has its answer."""
        watcher = threading.Thread(target=self.watch, args=[progress], daemon=True)
        with self.customers:
            watcher.start()
            try:
                fault(self)
            finally:
                self._over.set()
                watcher.join()
            self.customers.finish()
