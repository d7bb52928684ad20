"""Horizontal bars as SVG; enough for a report, and nothing to install."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, LEFT, RIGHT, ROW, BAR, TOP = 900, 300, 110, 34, 20, 64
COLOURS = ("#4269d0", "#efb118", "#3ca951", "#ff725c", "#97bbf5")
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 font-family="system-ui, sans-serif" font-size="14">
<title>{title}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="17" font-weight="600">{title}</text>
{body}
</svg>
"""


class Bar(NamedTuple):
    """`parts` are drawn one after another; the whisker goes from low to high."""

    label: str
    parts: Sequence[float]
    value: str
    low: float | None = None
    high: float | None = None


def chart(title: str, bars: Sequence[Bar], legend: Sequence[str] = ()) -> str:
    longest = max(max(sum(bar.parts), bar.high or 0) for bar in bars)
    scale = (WIDTH - LEFT - RIGHT) / (longest or 1)
    rows = (_bar(bar, TOP + ROW * place, scale) for place, bar in enumerate(bars))
    body = "\n".join([*_legend(legend), *rows])
    height = TOP + ROW * len(bars) + 8
    return FRAME.format(width=WIDTH, height=height, title=escape(title), body=body)


def _legend(names: Sequence[str]) -> list[str]:
    places = range(LEFT, WIDTH, 112)
    return [
        _rect(x, 40, 12, 12, colour) + _text(x + 18, 51, name)
        for x, colour, name in zip(places, COLOURS, names, strict=False)
    ]


def _bar(bar: Bar, y: int, scale: float) -> str:
    drawn = [_text(LEFT - 10, y + 15, bar.label, anchor="end")]
    x: float = LEFT
    for part, colour in zip(bar.parts, COLOURS, strict=False):
        drawn.append(_rect(x, y, part * scale, BAR, colour))
        x += part * scale
    if bar.low is not None and bar.high is not None:
        drawn.append(_whisker(LEFT + bar.low * scale, LEFT + bar.high * scale, y))
        x = max(x, LEFT + bar.high * scale)
    return "".join([*drawn, _text(x + 8, y + 15, bar.value)])


def _whisker(low: float, high: float, y: int) -> str:
    middle = y + BAR / 2
    return (
        f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {y + 5}v10'
        f'M{high:.1f} {y + 5}v10" stroke="#222222" fill="none"/>'
    )


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" '
        f'fill="{colour}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
