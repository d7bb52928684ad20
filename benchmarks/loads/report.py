"""The page of all loads: a section for each, of the last time that it was run."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.loads.figures import Outcome
from benchmarks.loads.table import LOADS
from benchmarks.report import commit, machine, table

HEAD = """\
# Waybill under load

Written by `bin/load`, one section at a time. Everything runs on this one machine: the
servers, Waybill's processes, and the customers.
"""
SECTION = """\
## {name}

{shows}. Bar: {bar}.

`{command}`, {when}, on {machine}, at {commit}.

{figures}
"""
TITLE = re.compile(r"^## (\w+)\n", re.MULTILINE)
COLUMNS = ("what", "figure", "bar", "")


def figures(outcome: Outcome) -> str:
    return table(COLUMNS, (one.row for one in outcome.figures))


def write(page: Path, name: str, outcome: Outcome, command: str) -> None:
    """Put a load's section into a page, in place of its last one."""
    page.parent.mkdir(parents=True, exist_ok=True)
    for plot, drawn in outcome.plots.items():
        (page.parent / f"load-{plot}.svg").write_text(drawn, encoding="utf-8")
    known = _sections(page) | {name: _section(name, outcome, command)}
    ordered = [known[one] for one in LOADS if one in known]
    page.write_text("\n".join([HEAD, *ordered]), encoding="utf-8")


def _sections(page: Path) -> dict[str, str]:
    if not page.exists():
        return {}
    _, *parts = TITLE.split(page.read_text(encoding="utf-8"))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {name: f"## {name}\n{text.rstrip()}\n" for name, text in pairs}


def _section(name: str, outcome: Outcome, command: str) -> str:
    load = LOADS[name]
    filled = SECTION.format(
        name=name,
        shows=load.shows,
        bar=load.bar,
        command=command,
        when=time.strftime("%Y-%m-%d"),
        machine=machine(),
        commit=commit(),
        figures=figures(outcome),
    )
    return "\n".join([filled, *_below(outcome)])


def _below(outcome: Outcome) -> Iterable[str]:
    for plot in outcome.plots:
        yield f"![{plot}](load-{plot}.svg)\n"
    if outcome.notes:
        yield f"{outcome.notes}\n"
