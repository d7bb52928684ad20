"""The tables of docs/scaling.md: what the model says, and what was measured."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.contestants import BENCHMARKS
from benchmarks.report import table
from benchmarks.scaling import CELL, LARGEST, ON_CORES, SERIAL, SYSTEMS, Cost, System
from deploy.local.places import ROOT

PAGE = ROOT / "docs" / "scaling.md"
SCALED = BENCHMARKS / "report" / "scaled.json"
STAGES = {"audit.queue": "worker-audit", "inventory.queue": "worker-inventory"}
TARGETS = (1_000, 10_000, 100_000)
#: Of a ceiling: the rest is for the day on which something fails.
PLANNED = 0.6
#: A month, for a core of a cloud machine.
DOLLARS = 30
#: CPU ms of an order, below which a stage has no row.
SLIGHT = 0.01
#: Of what breaks, the rest is only counted.
NAMED = 4
#: What is between <!-- name --> and <!-- end -->.
PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

Row = Sequence[str]
Measured = Sequence[Mapping[str, Any]]


def tables() -> dict[str, str]:
    """Return every table of the page, by its name there."""
    cost, measured = Cost.read(), json.loads(SCALED.read_text())
    return {
        "stages": _stages(cost),
        "systems": _systems(cost),
        "targets": _targets(cost),
        "cores": _cores(cost, measured),
        "copies": _copies(measured),
    }


def filled(page: str, found: Mapping[str, str]) -> str:
    """Return a page with these tables in their places."""
    return PLACE.sub(lambda place: f"{place[1]}{found[place[2]]}\n{place[3]}", page)


def renew() -> str:
    """Write the tables into docs/scaling.md; returns them."""
    found = tables()
    PAGE.write_text(filled(PAGE.read_text(), found), encoding="utf-8")
    return "\n\n".join(found.values())


def _stages(cost: Cost) -> str:
    head = ["process", "CPU ms", "waits, ms", "one carries, orders/s", "more of it"]
    stages = [one for one in cost.stages if cost.cpu[one] >= SLIGHT]
    rows = [
        [
            f"`{one}`",
            f"{cost.cpu[one]:.3f}",
            f"{cost.waits(one):.3f}",
            _round(cost.of_one(one)),
            "waits for the first" if one in SERIAL else "adds as much",
        ]
        for one in sorted(stages, key=cost.of_one)
    ]
    others = ("PostgreSQL", "RabbitMQ", "web")
    rows += [[f"{one}", f"{cost.cpu[one]:.3f}", "", "", ""] for one in others]
    return table(head, rows)


def _systems(cost: Cost) -> str:
    rows = [[one.title, *_ends(one, cost)] for one in SYSTEMS]
    return table(["", "orders/s", "what ends there", "next", "what ends there"], rows)


def _ends(system: System, cost: Cost) -> list[str]:
    first, second, *_ = system.ceilings(cost)
    return [_round(first[0]), first[1], _round(second[0]), second[1]]


def _targets(cost: Cost) -> str:
    head = ["orders/s", "the largest system breaks at", "cells", "cores in use"]
    head += ["WAL, MB/s", "WAL a day, TB", "dollars a month"]
    return table(head, [_target(target, cost) for target in TARGETS])


def _target(target: int, cost: Cost) -> Row:
    broken = [what for rate, what in LARGEST.ceilings(cost) if rate < target]
    cells = math.ceil(target / (PLANNED * CELL.ceilings(cost)[0][0]))
    cores = target * sum(CELL.spent(cost).values()) / 1000
    wal = target * cost.wal / 1e6
    return [
        f"{target:,}",
        _listed(broken),
        f"{cells:,}",
        _round(cores),
        _round(wal),
        f"{wal * 86_400 / 1e6:,.0f}",
        _round(cores / PLANNED * DOLLARS),
    ]


def _listed(broken: Sequence[str]) -> str:
    if not broken:
        return "nothing"
    more = [f"{len(broken) - NAMED} more"] if len(broken) > NAMED else []
    return ", ".join([*broken[:NAMED], *more])


def _cores(cost: Cost, measured: Measured) -> str:
    head = ["cores", "measured, orders/s", "CPU ms an order", "the model, orders/s"]
    head += ["of the model's"]
    rows = [
        [
            f"{one['count']}",
            _round(one["rate"]),
            f"{one['cpu']:.2f}",
            _round(model := ON_CORES[one["count"]].ceilings(cost)[0][0]),
            f"{one['rate'] / model:.0%}",
        ]
        for one in measured
        if one["what"] == "cores"
    ]
    return table(head, rows)


def _copies(measured: Measured) -> str:
    ones = {one["what"]: one["rate"] for one in measured if one["count"] == 1}
    rows = [
        [
            f"`{one['what']}`",
            f"{one['count']}",
            _round(one["rate"]),
            f"{one['rate'] / ones[one['what']]:.1f}",
            f"{1 if STAGES.get(one['what']) in SERIAL else one['count']}",
        ]
        for one in measured
        if one["what"] != "cores"
    ]
    head = ["", "copies", "events/s", "times one", "the model's"]
    return table(head, rows)


def _round(value: float) -> str:
    """Two digits: more would be a promise."""
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.0f}"
