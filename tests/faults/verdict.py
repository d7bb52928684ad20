"""What became of a run: the customers' ledger, the database, and every promise."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from deploy.local.places import ROOT, RUN
from tests.faults.client import Wish
from tests.faults.rig import Rig
from tests.faults.run import Run

RESULTS = RUN / "faults"
#: Seconds for the orders of a run to end, and for the system to rest after them.
DRAIN, REST = 300, 240
#: Where others use more of the machine, seconds say more of them than of us.
BUSY = 0.25

OPEN = "SELECT count(*) FROM orders_order WHERE is_open"
PLACED = """
    SELECT id::text, reference, total_cents, extract(epoch from created_at)::float,
        extract(epoch from coalesce(completed_at, cancelled_at))::float
    FROM orders_order WHERE created_at >= to_timestamp(%s)
"""
DEAD = """
    SELECT body, queue || ': ' || type || ', ' || reason FROM messaging_deadletter
    WHERE parked >= to_timestamp(%s)
"""


@dataclass
class Verdict:
    """The figures of one run; `broken` says in words what must not be."""

    fault: str
    title: str
    seed: int
    orders: int
    #: Told 201, and there is no such order at this price.
    lost: int = 0
    doubled: int = 0
    #: Nobody asked for it, or who did was told no.
    unexpected: int = 0
    #: Told an error, and there was an order: the same request found it later.
    recovered: int = 0
    #: Seconds: of the slowest recovery and its bar; from the last order to rest.
    recovery: float | None = None
    bar: float | None = None
    drained: float | None = None
    broken: list[str] = field(default_factory=list)
    #: Bars that were missed, and what else was measured, in words.
    late: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    #: What was logged as an error, where a promise was broken.
    errors: list[str] = field(default_factory=list)
    #: How much of the machine was busy with something else, from 0 to 1.
    others: float = 0
    #: For the plot, in seconds since the start.
    marks: list[tuple[float, str]] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected or self.broken)

    def line(self) -> str:
        """Return all that one has to know."""
        told = (
            f"{self.fault}: {self.outcome}, {self.orders} orders, {self.lost} lost, "
            f"{self.doubled} doubled, {self.unexpected} unexpected, "
            f"{self.recovered} recovered"
        )
        recovered = f"recovered in {seconds(self.recovery)} (bar {seconds(self.bar)})"
        others = f"others used {self.others:.0%} of the machine"
        rest = f"at rest in {seconds(self.drained)}"
        seed = f"seed {self.seed}"
        return ", ".join([told, recovered, *self.figures, rest, others, seed])

    def explained(self) -> str:
        """Return the line, what went wrong, and the errors that were logged."""
        wrong = (self.broken, self.missed, self.errors)
        few = (one for words in wrong for one in words[:20])
        return "\n    ".join([self.line(), *few])

    @property
    def missed(self) -> list[str]:
        """The bars that we missed, and nobody else can have been the cause."""
        return self.late if self.others < BUSY else []

    @property
    def outcome(self) -> str:
        return ("LATE" if self.missed else "kept") if self.kept else "BROKEN"

    def write(self) -> Path:
        RESULTS.mkdir(parents=True, exist_ok=True)
        file = RESULTS / f"{self.fault}.json"
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return file


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def of(run: Run, title: str, *, drain: float = DRAIN) -> Verdict:
    """Wait until the run's orders have ended, and judge it."""
    last = time.time()
    violations = [*_unfinished(run.rig, drain), *_violations(run.rig)]
    drained = time.time() - last
    rows = run.rig.fetch(PLACED, run.started)
    broken = [*violations, *_dead(run), *run.rig.ended(), *run.complaints]
    slowest = max(run.recoveries, key=lambda one: one.seconds or 1e9, default=None)
    return Verdict(
        fault=run.plan.fault,
        title=title,
        seed=run.plan.seed,
        orders=len(run.customers.ledger),
        recovery=slowest and slowest.seconds,
        bar=slowest and slowest.within,
        drained=drained,
        broken=broken,
        errors=run.rig.errors(run.started) if broken else [],
        late=[*_late(run), *run.late],
        figures=run.figures,
        others=run.neighbours.share(),
        marks=[(when - run.started, what) for when, what in run.marks],
        accepted=sorted(created - run.started for *_, created, _ in rows),
        ends=sorted(ended - run.started for *_, ended in rows if ended),
        **compared(run.customers.ledger, [Placed(*row[:4]) for row in rows]),
    )


class Placed(NamedTuple):
    """An order, as the database has it."""

    id: str
    key: str
    cents: int
    created: float


def compared(ledger: list[Wish], placed: list[Placed]) -> dict[str, int]:
    """Compare what customers were told with the orders that there are."""
    told = {
        (wish.key, one, wish.prices[one]) for wish in ledger for one in set(wish.ids)
    }
    expected = {wish.key for wish in ledger if wish.granted or not wish.refused}
    succeeded = {wish.key: wish.first_success for wish in ledger if wish.granted}
    return {
        "lost": len(told - {(one.key, one.id, one.cents) for one in placed}),
        "doubled": sum(n > 1 for n in Counter(one.key for one in placed).values()),
        "unexpected": sum(one.key not in expected for one in placed),
        "recovered": sum(one.created < succeeded.get(one.key, 0) for one in placed),
    }


def _unfinished(rig: Rig, limit: float) -> Iterator[str]:
    deadline = time.monotonic() + limit
    while left := _open(rig):
        if time.monotonic() > deadline:
            yield f"{left} orders have not ended after {limit:.0f} s."
            return
        time.sleep(0.2)


def _open(rig: Rig) -> int:
    return int(rig.fetch(OPEN)[0][0])


def _violations(rig: Rig) -> list[str]:
    """Run the very command that operators use."""
    done = subprocess.run(
        ["python", "manage.py", "verify", "--wait", str(REST)],
        cwd=ROOT,
        env=rig.system.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stderr or done.stdout).splitlines() if done.returncode else []


def _late(run: Run) -> Iterator[str]:
    for one in run.recoveries:
        if one.is_late:
            yield f"{one.what}: {seconds(one.seconds)}, not within {one.within:g} s."


def _dead(run: Run) -> Iterator[str]:
    parked = run.rig.fetch(DEAD, run.started)
    for body, words in parked:
        if bytes(body) not in run.poison:
            yield f"Parked, and was no poison: {words}"
    for missing in run.poison - {bytes(body) for body, _ in parked}:
        yield f"Poison that was not parked: {missing[:80]!r}"
