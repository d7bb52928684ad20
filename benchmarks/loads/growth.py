"""Is Waybill as fast with a million orders in its tables as with a thousand?"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from benchmarks.loads import filling, plans
from benchmarks.loads.figures import Figure, Outcome, Scale, change
from benchmarks.loads.plans import Hot
from benchmarks.loads.shop import PROCESSES, WARM_UP, Shop, shop
from deploy.local import processes
from deploy.local.say import say

#: So many are really carried, and then copied.
FEW = 1_000
WITHIN = 0.10
CARRIED = 4_000
ROUNDS = 3
#: Enough for a plan of every statement, few enough for one log.
EXPLAINED = 300
#: Pages for an order: the tree of a million rows is higher by one or two.
PAGES = 2.0
APP = [one for one in PROCESSES if one is not processes.WEB]
USED = "waybill"
SIZE = "SELECT pg_size_pretty(pg_database_size(current_database()))"
FINISHED = "SELECT count(*) FROM orders_order WHERE status = 'completed'"


class Run(NamedTuple):
    """Orders a second, and CPU milliseconds of all processes for one."""

    rate: float
    cpu: float


def growth(scale: Scale) -> Outcome:
    """Fill one of two databases, and carry orders in both of them in turns."""
    with plans.with_statistics(), shop(APP) as own:
        own.carry(FEW - WARM_UP)
        with own.at_rest(APP):
            own.administer(f"CREATE DATABASE few TEMPLATE {USED}")
            say(f"filling {scale.orders:,} orders into every table")
            filling.fill(own.system.database_url, scale.orders // FEW)
        facts = _facts(own)
        pair = Pair(own)
        runs = pair.compare()
        hot = pair.hottest()
        found = pair.explain()
    figures = [*facts, *_figures(*runs), *_pages(*hot), _waste(hot[1], found)]
    return Outcome(
        figures, notes=plans.appendix(*hot, ROUNDS * (WARM_UP + CARRIED), found)
    )


class Pair:
    """Two databases, few and many; the one in use has the name that all know."""

    def __init__(self, own: Shop) -> None:
        self.own, self.used = own, "many"

    def compare(self) -> tuple[list[Run], list[Run]]:
        plans.count_anew(self.own)
        runs: dict[str, list[Run]] = {"few": [], "many": []}
        for turn in range(ROUNDS):
            for name, ones in runs.items():
                self.use(name)
                ones.append(self._run())
                say(f"round {turn + 1}, {name}: {ones[-1].rate:,.0f} orders/s")
        return runs["few"], runs["many"]

    def use(self, name: str) -> None:
        if name == self.used:
            return
        with self.own.at_rest(APP):
            self.own.administer(
                f"ALTER DATABASE {USED} RENAME TO {self.used}",
                f"ALTER DATABASE {name} RENAME TO {USED}",
                "CHECKPOINT",
            )
        self.used = name

    def _run(self) -> Run:
        self.own.carry(WARM_UP)
        before = self.own.cpu()
        seconds = self.own.carry(CARRIED)
        spent = self.own.cpu() - before
        return Run(CARRIED / seconds, 1000 * spent.total() / CARRIED)

    def hottest(self) -> tuple[list[Hot], list[Hot]]:
        self.use("many")
        return plans.hottest(self.own, "few"), plans.hottest(self.own, USED)

    def explain(self) -> dict[str, dict[str, Any]]:
        """Return the plans of the statements with many orders in the tables."""
        with self.own.at_rest(APP):
            self.own.administer(*plans.logging(USED))
        self.own.carry(EXPLAINED)
        return plans.logged(self.own.system)


def _facts(own: Shop) -> list[Figure]:
    return [
        Figure("finished orders in the tables", f"{own.one(FINISHED):,}"),
        Figure("the database", own.one(SIZE)),
    ]


def _figures(few: Sequence[Run], many: Sequence[Run]) -> Iterator[Figure]:
    rates = [median(run.rate for run in runs) for runs in (few, many)]
    costs = [median(run.cpu for run in runs) for runs in (few, many)]
    yield Figure(f"orders/s with {FEW:,} in the tables", _spread(few))
    yield Figure("orders/s with all of them", _spread(many))
    yield change("throughput of many against few", rates[1] / rates[0], WITHIN)
    yield Figure("CPU ms for an order, few and many", f"{costs[0]:.2f}, {costs[1]:.2f}")
    yield change("orders for a second of CPU", costs[0] / costs[1], WITHIN)


def _spread(runs: Sequence[Run]) -> str:
    rates = sorted(run.rate for run in runs)
    return f"{median(rates):,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})"


def _pages(few: Sequence[Hot], many: Sequence[Hot]) -> Iterator[Figure]:
    before = {one.id: one.pages for one in few}
    pairs = [(one.pages, before[one.id]) for one in many if before.get(one.id)]
    grown = max(now / was for now, was in pairs)
    what = "pages that a hot statement reads, many against few: the worst"
    yield Figure(what, f"x {grown:.2f}", f"below x {PAGES:g}", grown < PAGES)


def _waste(hot: Sequence[Hot], found: Mapping[str, Mapping[str, Any]]) -> Figure:
    known = [found[kind] for one in hot if (kind := plans.kind_of(one.query)) in found]
    bad = sum(plans.read(plan).is_by_far_too_much for plan in known)
    what = f"of {len(known)} hot statements read by far more rows than they use"
    return Figure(what, f"{bad}", "0", bad == 0)
