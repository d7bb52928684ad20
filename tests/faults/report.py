"""A page about the last run of each fault: a table, and what became of the orders."""

import json
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tests.faults.plot import picture
from tests.faults.verdict import RESULTS, Verdict, seconds

INTRODUCTION = (
    "Customers ordered over HTTP while each of these happened to a whole private "
    "system. Lost: told 201, and no such order. Doubled: one request, two orders. "
    "Broken: promises of `manage.py verify`. Recovery: seconds from the moment at "
    "which the system could work again until an order placed after it was complete, "
    f"the slowest of the run. Measured on {os.cpu_count()} cores; a run in which "
    "others used more than a quarter of them says little about seconds, and its bar "
    "is not judged."
)
HEAD = (
    *("fault", "what happened", "orders", "lost", "doubled", "broken"),
    *("recovery", "bar", "also measured", "others", "seed"),
)
HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Waybill: faults</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto;
  padding: 0 1rem; color: #1c2733; background: #f4f6f8 }}
h1 {{ margin-bottom: 0 }} p {{ max-width: 46rem }}
table {{ border-collapse: collapse; width: 100%; background: #fff; border-radius: 8px }}
th {{ color: #5a6b7b; font-weight: 500; font-size: 13px }}
th, td {{ text-align: right; padding: .45rem .7rem; border-bottom: 1px solid #e6ebef }}
tr:last-child td {{ border: 0 }} td {{ font-variant-numeric: tabular-nums }}
th, td {{ white-space: nowrap }}
td:nth-child(2), td:nth-child(9) {{ white-space: normal }}
th:nth-child(-n+2), td:nth-child(-n+2), th:nth-child(9), td:nth-child(9)
  {{ text-align: left }}
.kept td:first-child {{ color: #1d7a46; font-weight: 600 }}
.BROKEN td, .LATE td {{ color: #b3261e; font-weight: 600 }}
svg {{ width: 100%; height: auto; margin-top: 1.5rem }}
</style>
<h1>Faults</h1>
<p>{introduction}</p>
<table>
{head}
{rows}
</table>
{picture}
</html>
"""
MARKDOWN = """# Faults

{introduction}

{table}

![Orders accepted and ended while things were harmed]({picture})

Written by `bin/faults --report`.
"""


def write(file: Path) -> None:
    """Write Markdown for a .md, with its picture beside it; else one page of HTML."""
    found = sorted(_last(), key=lambda one: int(one.fault[1:]))
    if file.suffix == ".md":
        _write_markdown(file, found)
    else:
        file.write_text(_html(found), encoding="utf-8")


def _last() -> list[Verdict]:
    return [Verdict(**json.loads(file.read_text())) for file in RESULTS.glob("F*.json")]


def _html(found: Sequence[Verdict]) -> str:
    rows = "\n".join(_row("td", _cells(one), one.outcome) for one in found)
    return HTML.format(
        introduction=escape(INTRODUCTION.replace("`", "")),
        head=_row("th", HEAD, "head"),
        rows=rows,
        picture=picture(found),
    )


def _row(tag: str, cells: Iterable[object], kind: str) -> str:
    inside = "".join(f"<{tag}>{escape(str(cell))}" for cell in cells)
    return f'<tr class="{kind}">{inside}'


def _write_markdown(file: Path, found: Sequence[Verdict]) -> None:
    drawing = file.with_suffix(".svg")
    drawing.write_text(picture(found) + "\n", encoding="utf-8")
    lines = [HEAD, ["---"] * len(HEAD), *map(_cells, found)]
    table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
    text = MARKDOWN.format(introduction=INTRODUCTION, table=table, picture=drawing.name)
    file.write_text(text, encoding="utf-8")


def _cells(one: Verdict) -> list[object]:
    return [
        *(one.fault, one.title, one.orders, one.lost, one.doubled, len(one.broken)),
        *(seconds(one.recovery), seconds(one.bar), ", ".join(one.figures)),
        *(f"{one.others:.0%}", one.seed),
    ]
