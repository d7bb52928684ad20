"""A page about the last run of each fault: a table, and what became of the orders."""

import json
from html import escape

from tests.faults.verdict import RESULTS, Verdict, seconds

WIDTH, HEIGHT, EDGE = 860, 180, 30
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Waybill: faults</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #1c2733 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #d9e0e6 }}
th:nth-child(-n+2), td:nth-child(-n+2) {{ text-align: left }}
.broken {{ color: #b3261e; font-weight: 600 }}
svg {{ width: 100%; height: auto }} svg text {{ font-size: 11px; fill: #5a6b7b }}
.ends {{ fill: none; stroke: #1b6ec2; stroke-width: 2 }}
.mark {{ stroke: #d9822b; stroke-width: 1 }} .axis {{ stroke: #9fb0bf }}
</style>
<h1>Faults</h1>
<p>Customers ordered over HTTP while each of these happened to a whole private system.
Lost: told 201, and no order. Doubled: one request, two orders. Recovery: the slowest,
from the moment in which it was possible again to an order placed after it that is
complete.</p>
<table>
<tr><th>fault<th>what happened<th>orders<th>lost<th>doubled<th>unexpected<th>broken
promises<th>recovery<th>bar<th>seed</tr>
{rows}
</table>
{plots}
</html>
"""


def page() -> str:
    """Return the page as HTML that needs nothing else."""
    found = sorted(_last(), key=lambda one: int(one.fault[1:]))
    return PAGE.format(
        rows="\n".join(map(_row, found)), plots="\n".join(map(_plot, found))
    )


def _last() -> list[Verdict]:
    return [Verdict(**json.loads(file.read_text())) for file in RESULTS.glob("F*.json")]


def _row(one: Verdict) -> str:
    cells = [one.fault, one.title, one.orders, one.lost, one.doubled, one.unexpected]
    cells += [len(one.broken), seconds(one.recovery), seconds(one.bar), one.seed]
    kind = "" if one.kept else ' class="broken"'
    return f"<tr{kind}>" + "".join(f"<td>{escape(str(cell))}" for cell in cells)


def _plot(one: Verdict) -> str:
    """Draw how many orders had ended by each moment, and when something was done."""
    last = max([*one.ends, *(when for when, _ in one.marks), 1.0])
    across = (WIDTH - 2 * EDGE) / last
    up = (HEIGHT - 2 * EDGE) / max(len(one.ends), 1)
    points = " ".join(
        f"{EDGE + when * across:.1f},{HEIGHT - EDGE - count * up:.1f}"
        for count, when in enumerate(one.ends, 1)
    )
    marks = "".join(_mark(EDGE + when * across, what) for when, what in one.marks)
    base = HEIGHT - EDGE
    return (
        f"<h2>{one.fault}: {escape(one.title)}</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="orders over time">'
        f'<line class="axis" x1="{EDGE}" y1="{base}" x2="{WIDTH - EDGE}" y2="{base}"/>'
        f'{marks}<polyline class="ends" points="{points}"/>'
        f'<text x="{EDGE}" y="{HEIGHT - 10}">0 s</text>'
        f'<text x="{WIDTH - EDGE}" y="{HEIGHT - 10}" text-anchor="end">{last:.0f} s'
        f'</text><text x="{EDGE}" y="14">{len(one.ends)} orders ended</text></svg>'
    )


def _mark(x: float, what: str) -> str:
    return (
        f'<line class="mark" x1="{x:.1f}" y1="{EDGE - 8}" x2="{x:.1f}" '
        f'y2="{HEIGHT - EDGE}"><title>{escape(what)}</title></line>'
    )
