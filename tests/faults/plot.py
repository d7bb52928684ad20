"""A picture of runs: orders accepted and ended over time, and what was done to them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from html import escape

from tests.faults.verdict import Verdict

WIDTH, EDGE, LEFT = 960, 24, 56
#: Of one run: its height with the words above, and the height of the plot alone.
HEIGHT, PLOT = 168, 96
SAMPLES = 180
#: So many things done can be named beside their marks; more can only be counted.
NAMED = 6
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #5a6b7b }
.page { fill: #fff } .name { font-size: 15px; font-weight: 600; fill: #1c2733 }
.bad { fill: #b3261e } .axis { stroke: #d9e0e6 } .mark { stroke: #d9822b }
.what { font-size: 10px; fill: #b0641a } .figure { text-anchor: end }
.accepted { fill: none; stroke: #9fb9d3; stroke-width: 2 }
.ended { fill: none; stroke: #1b6ec2; stroke-width: 2 }
.area { fill: #1b6ec2; fill-opacity: .12 }
"""
KEY = (("accepted", "orders accepted"), ("ended", "orders ended"), ("mark", "harm"))


def picture(verdicts: Sequence[Verdict]) -> str:
    """Return an SVG with one plot below the other, which needs nothing else."""
    height = HEIGHT * len(verdicts) + 2 * EDGE
    plots = "".join(
        f'<g transform="translate(0 {EDGE + 10 + HEIGHT * place})">{_plot(one)}</g>'
        for place, one in enumerate(verdicts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' role="img" aria-label="Orders accepted and ended while things were harmed">'
        f"<style>{STYLE}</style>"
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>'
        f"{_key()}{plots}</svg>"
    )


def _key() -> str:
    return "".join(
        f'<g transform="translate({LEFT + 150 * place} {EDGE})">'
        f'<path class="{kind}" d="M0-4h22"/><text x="28">{words}</text></g>'
        for place, (kind, words) in enumerate(KEY)
    )


def _plot(one: Verdict) -> str:
    last = max([*one.ends, *one.accepted, *(when for when, _ in one.marks), 1.0])
    most = max(len(one.accepted), len(one.ends), 1)
    scale = _Scale(last, most)
    kind = "name" if one.outcome == "kept" else "name bad"
    ended = scale.curve(one.ends)
    bottom = scale.y(0)
    return (
        f'<text class="{kind}" x="{LEFT}" y="28">{escape(_name(one))}</text>'
        f'<text class="figure" x="{WIDTH - EDGE}" y="28">{escape(_figures(one))}</text>'
        f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - EDGE}M{LEFT} {scale.y(most)}'
        f'H{WIDTH - EDGE}"/>{"".join(_marks(one, scale))}'
        f'<path class="accepted" d="M{scale.curve(one.accepted)}"/>'
        f'<path class="area" d="M{LEFT},{bottom} {ended} {scale.x(last)},{bottom}"/>'
        f'<path class="ended" d="M{ended}"/>'
        f'<text class="figure" x="{LEFT - 6}" y="{scale.y(most) + 8}">{most}</text>'
        f'<text x="{LEFT}" y="{bottom + 15}">0 s</text>'
        f'<text class="figure" x="{WIDTH - EDGE}" y="{bottom + 15}">{last:.0f} s</text>'
    )


def _name(one: Verdict) -> str:
    return f"{one.fault} · {one.title}"


def _figures(one: Verdict) -> str:
    recovered = f"recovered in {one.recovery:.1f} s" if one.recovery else one.outcome
    return f"{one.orders} orders, {one.lost} lost, {one.doubled} doubled, {recovered}"


def _marks(one: Verdict, scale: "_Scale") -> Iterator[str]:
    top, bottom = scale.y(scale.most), scale.y(0)
    for place, (when, what) in enumerate(one.marks):
        x = scale.x(when)
        title = f"<title>{escape(what)}</title>"
        yield f'<path class="mark" d="M{x} {top}V{bottom}">{title}</path>'
        if len(one.marks) <= NAMED:
            yield _named(x, top + 12 + 14 * (place % 4), what)


def _named(x: float, y: float, what: str) -> str:
    """Write beside a mark what it is: on the side where there is room."""
    is_late = x > 0.7 * WIDTH
    end, at = ("figure", x - 4) if is_late else ("", x + 4)
    return f'<text class="what {end}" x="{at}" y="{y}">{escape(what)}</text>'


class _Scale:
    """From seconds and orders to the picture's own units."""

    def __init__(self, last: float, most: int) -> None:
        self.last, self.most = last, most

    def x(self, seconds: float) -> float:
        return round(LEFT + seconds / self.last * (WIDTH - EDGE - LEFT), 1)

    def y(self, orders: int) -> float:
        return round(HEIGHT - 30 - orders / self.most * PLOT, 1)

    def curve(self, moments: Sequence[float]) -> str:
        """Draw how many there were by each moment; sampled, however many they are."""
        times = [self.last * step / SAMPLES for step in range(SAMPLES + 1)]
        counts = [bisect_right(moments, time) for time in times]
        return " ".join(
            f"{self.x(t):g},{self.y(n):g}" for t, n in zip(times, counts, strict=True)
        )
