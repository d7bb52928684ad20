"""How many orders a second so many machines carry, from what one order costs.

The cost is Waybill's in report/results.json; docs/scaling.md explains the rest. Nothing
here runs an order (scaled.py does) and nothing here writes a table (planned.py does).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.contestants import BENCHMARKS, WAYBILL
from deploy.local.processes import CONCURRENCY

RESULTS = BENCHMARKS / "report" / "results.json"
SERVERS = ("PostgreSQL", "RabbitMQ")

# ---- what results.json does not know
#: CPU ms of gunicorn for one POST, and its commit: the benchmark places in bulk.
WEB_MS, WEB_COMMITS = 2.2, 1
#: A disk's flushes and bytes of WAL a second, and how many commits share a flush.
FLUSHES, WAL_BYTES, COMMITS_IN_FLUSH = 5_000, 500e6, 4
#: Messages a second through one queue, which is one Erlang process; in a cluster, of
#: three nodes: rabbitmq.com/blog/2022/05/16/rabbitmq-3.10-performance-improvements.
QUEUE_MESSAGES = 10_000
#: Events in a message under load, and of an order in audit.queue, which gets them all.
EVENTS_IN_MESSAGE, EVENTS_IN_AUDIT = 20, 9
#: A second worker waits for the first one's rows: any two batches share a sku.
SERIAL = ("worker-inventory",)


@dataclass(frozen=True)
class Cost:
    """Of one order: CPU ms by process, commits, and bytes of WAL."""

    cpu: Mapping[str, float]
    commits: float
    wal: float

    @classmethod
    def read(cls, file: Path = RESULTS) -> "Cost":
        runs = [r for r in json.loads(file.read_text()) if r["name"] == WAYBILL.name]
        cpu = {
            name: median(1000 * run["cpu"][name] / run["orders"] for run in runs)
            for name in runs[0]["cpu"]
        }
        written = (
            median(run["written"][what] for run in runs)
            for what in ("commits", "bytes of WAL")
        )
        return cls(cpu | {"web": WEB_MS}, *written)

    @property
    def stages(self) -> list[str]:
        """The programs of ours that an order passes once it is placed."""
        return [one for one in self.cpu if one == "relay" or one.startswith("worker-")]

    def waits(self, stage: str) -> float:
        """Return the ms for which a stage waits for PostgreSQL and its disk.

        The server is one figure in results.json: shared out by its clients' CPU.
        """
        clients = sum(self.cpu[one] for one in (*self.stages, "placing"))
        server = self.cpu["PostgreSQL"] + 1000 * self.commits / FLUSHES
        return server * self.cpu[stage] / clients

    def of_one(self, stage: str) -> float:
        """Return the orders a second that one pool process of a stage carries."""
        return 1000 / (self.cpu[stage] + self.waits(stage))


@dataclass(frozen=True)
class System:
    """Cores for each group of programs, and how often each stage runs."""

    title: str
    cores: Mapping[str, int]
    copies: int = 1
    entrance: str = "web"

    def ceilings(self, cost: Cost) -> list[tuple[float, str]]:
        """Return pairs of orders a second and what ends there, the lowest first."""
        return sorted([*self._cores(cost), *self._stages(cost), *self._disk(cost)])

    def _cores(self, cost: Cost) -> Iterator[tuple[float, str]]:
        spent = self.spent(cost)
        for group, cores in self.cores.items():
            ms = spent.get(group) or sum(spent.values())
            yield 1000 * cores / ms, f"{cores} cores of {group}"

    def spent(self, cost: Cost) -> dict[str, float]:
        """Return the CPU ms of an order in the application and in each server."""
        ours = sum(cost.cpu[one] for one in (*cost.stages, self.entrance))
        return {"the application": ours} | {one: cost.cpu[one] for one in SERVERS}

    def _stages(self, cost: Cost) -> Iterator[tuple[float, str]]:
        for stage in cost.stages:
            pool = CONCURRENCY.get(stage.removeprefix("worker-"), 1)
            copies = 1 if stage in SERIAL else pool * self.copies
            yield copies * cost.of_one(stage), f"`{stage}` ({copies})"

    def _disk(self, cost: Cost) -> Iterator[tuple[float, str]]:
        commits = cost.commits + WEB_COMMITS * (self.entrance == "web")
        yield FLUSHES * COMMITS_IN_FLUSH / commits, "flushes of the disk"
        yield WAL_BYTES / cost.wal, "WAL bytes of the disk"
        yield QUEUE_MESSAGES * EVENTS_IN_MESSAGE / EVENTS_IN_AUDIT, "`audit.queue`"


ALL = "everything"
ON_CORES = {
    cores: System(f"{cores} cores, placed in bulk", {ALL: cores}, entrance="placing")
    for cores in (1, 2)
}
CELL = System(
    "a cell: three machines, 8 of each worker",
    {"the application": 32, "PostgreSQL": 16, "RabbitMQ": 8},
    copies=8,
)
LARGEST = System(
    "the largest: three machines, 32 of each worker",
    {"the application": 128, "PostgreSQL": 64, "RabbitMQ": 16},
    copies=32,
)
SYSTEMS = (
    ON_CORES[2],
    System("2 cores, over HTTP", {ALL: 2}),
    System("8 cores", {ALL: 8}),
    System("16 cores, 4 of each worker", {ALL: 16}, copies=4),
    CELL,
    LARGEST,
)
