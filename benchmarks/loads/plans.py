"""The statements that cost most, and how PostgreSQL really ran them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks.loads.shop import Shop
from benchmarks.report import table
from deploy.local import postgres
from deploy.local.system import System

#: By its collector, because lines as long as these come mixed up through a pipe.
OPTIONS = {
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "logging_collector": "on",
    "log_filename": "plans.log",
    "log_rotation_size": 0,
}
#: By database: their statements have the same ids, one being a copy of the other.
HOT = """
    SELECT queryid, query, calls, total_exec_time, shared_blks_hit + shared_blks_read,
        rows
    FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid
    WHERE datname = %s AND calls >= 5 AND query !~ '^(BEGIN|COMMIT|SET|NOTIFY|LISTEN)'
    ORDER BY total_exec_time DESC
"""
EXPLAIN = {
    "log_min_duration": "0",
    "log_analyze": "on",
    "log_buffers": "on",
    "log_timing": "off",
    "log_format": "json",
}
LOGGED = re.compile(r" plan:\n((?:\t.*\n)+)")
#: What differs between two calls of one statement.
VARIES = re.compile(
    r"^PREPARE \w+ AS|(?:\bE)?'(?:[^']|'')*'|\$\d+|\b(?:\d+|true|false|null)\b|\s+",
    re.IGNORECASE,
)
#: Statements that take less of all time are nobody's worry.
SHARE = 0.005
FEW_ROWS = 100


class Hot(NamedTuple):
    """All calls of a statement: milliseconds, pages that it looked at, rows."""

    id: int
    query: str
    calls: int
    time: float
    pages: int
    rows: int


class Read(NamedTuple):
    """The rows that a plan's scans used, and those that they read for nothing."""

    used: float
    wasted: float

    @property
    def is_by_far_too_much(self) -> bool:
        return self.wasted > self.used + FEW_ROWS


@contextmanager
def with_statistics() -> Iterator[None]:
    """Have PostgreSQL servers that are started meanwhile count their statements."""
    usual = dict(postgres.OPTIONS)
    postgres.OPTIONS.update(OPTIONS)
    try:
        yield
    finally:
        postgres.OPTIONS.clear()
        postgres.OPTIONS.update(usual)


def count_anew(own: Shop) -> None:
    """Forget what was run until now, in all databases."""
    own.cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    own.all("SELECT pg_stat_statements_reset()")


def hottest(own: Shop, database: str) -> list[Hot]:
    found = [Hot(*row) for row in own.all(HOT, database)]
    least = SHARE * sum(one.time for one in found)
    return [one for one in found if one.time >= least]


def logging(database: str) -> list[str]:
    """Return what makes new connections to a database log all plans."""
    return [
        f"ALTER DATABASE {database} SET auto_explain.{name} = {value}"
        for name, value in EXPLAIN.items()
    ]


def logged(system: System) -> dict[str, dict[str, Any]]:
    """Return, by statement, the plan in a server's log that returned most."""
    return best((postgres.data(system) / "log" / "plans.log").read_text())


def best(log: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in LOGGED.findall(log):
        entry = json.loads(one.replace("\n\t", "\n"))
        name, plan = kind_of(entry["Query Text"]), entry["Plan"]
        if name not in found or _rows(plan) > _rows(found[name]):
            found[name] = plan
    return found


def kind_of(query: str) -> str:
    """Return a statement without what differs from call to call."""
    return VARIES.sub("", query).lower()


def read(plan: Mapping[str, Any]) -> Read:
    """Add up what all scans of a plan have read."""
    scans = [one for one in _nodes(plan) if "Relation Name" in one and _is_scan(one)]
    wasted = sum(_wasted(one) * one["Actual Loops"] for one in scans)
    return Read(sum(_rows(one) for one in scans), wasted)


def text(plan: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield a plan in short: each node with its rows, and what it threw away."""
    where = " ".join(
        f"{word} {plan[name]}"
        for word, name in (("using", "Index Name"), ("on", "Relation Name"))
        if name in plan
    )
    wasted = f", {_wasted(plan):,.0f} for nothing" if _wasted(plan) else ""
    times = f" x {plan['Actual Loops']}" if plan["Actual Loops"] != 1 else ""
    rows = f"{plan['Actual Rows']:,.0f}{times} rows{wasted}"
    pages = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    yield f"{'  ' * depth}{plan['Node Type']} {where}: {rows}, {pages:,} pages"
    for child in plan.get("Plans", ()):
        yield from text(child, depth + 1)


def appendix(
    small: Iterable[Hot],
    large: Iterable[Hot],
    orders: int,
    found: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return Markdown: every hot statement in both databases, and its plan.

    Both have carried so many orders while the statements were counted.
    """
    before = {one.id: one for one in small}
    hot = list(large)
    rows = [
        [f"{place}", *_sizes(before.get(one.id), one, orders)]
        for place, one in enumerate(hot, 1)
    ]
    head = ("for an order", "calls", "rows", "µs in few", "in many", "pages in few")
    head += ("in many",)
    parts = [
        f"{place}. `{_short(one.query)}`\n\n```\n{_plan_of(one, found)}\n```"
        for place, one in enumerate(hot, 1)
    ]
    return "\n\n".join([table(head, rows), *parts])


def _sizes(before: Hot | None, now: Hot, orders: int) -> list[str]:
    was = before or now._replace(time=0, pages=0)
    return [
        f"{now.calls / orders:.3f}",
        f"{now.rows / orders:.1f}",
        *(f"{1000 * one.time / orders:,.0f}" for one in (was, now)),
        *(f"{one.pages / orders:,.1f}" for one in (was, now)),
    ]


def _plan_of(hot: Hot, found: Mapping[str, Mapping[str, Any]]) -> str:
    plan = found.get(kind_of(hot.query))
    return "\n".join(text(plan)) if plan else "(was not seen while plans were logged)"


def _short(query: str) -> str:
    return " ".join(query.split())[:160].replace("`", "'")


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _is_scan(node: Mapping[str, Any]) -> bool:
    return "Scan" in node["Node Type"]


def _rows(node: Mapping[str, Any]) -> float:
    return node["Actual Rows"] * node["Actual Loops"]


def _wasted(node: Mapping[str, Any]) -> float:
    return sum(value for name, value in node.items() if name.startswith("Rows Removed"))
