"""Lines over time as SVG, beside the bars of benchmarks/svg.py."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, log10
from typing import NamedTuple

from benchmarks.svg import COLOURS, FRAME, WIDTH

HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 80, 150, 50, 40
TICKS, SPACING = 4, 12


class Line(NamedTuple):
    """Points are (seconds, value), in the order of time."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(title: str, lines: Sequence[Line]) -> str:
    """Draw lines from zero upwards, over the seconds of a run."""
    points = [point for line in lines for point in line.points] or [(1.0, 1.0)]
    right = max(x for x, _ in points) or 1
    top = _round_up(max(y for _, y in points))
    scale = ((WIDTH - LEFT - RIGHT) / right, (HEIGHT - TOP - BOTTOM) / top)
    drawn = [*_grid(top, right), *_drawn(lines, scale)]
    return FRAME.format(
        width=WIDTH, height=HEIGHT, title=escape(title), body="\n".join(drawn)
    )


def _round_up(value: float) -> float:
    """Return the next number of one digit, or of a half."""
    unit = 10 ** int(log10(value)) / 2 if value > 1 else 1
    return ceil(value / unit) * unit


def _drawn(lines: Sequence[Line], scale: tuple[float, float]) -> Iterator[str]:
    highest_first = sorted(lines, key=_last, reverse=True)
    ends = [HEIGHT - BOTTOM - _last(line) * scale[1] + 4 for line in highest_first]
    coloured = zip(highest_first, COLOURS * len(lines), _apart(ends), strict=False)
    for line, colour, place in coloured:
        path = " ".join(
            f"{LEFT + x * scale[0]:.1f},{HEIGHT - BOTTOM - y * scale[1]:.1f}"
            for x, y in line.points
        )
        yield f'<polyline points="{path}" fill="none" stroke="{colour}"/>'
        yield _text(WIDTH - RIGHT + 8, place, line.name, fill=colour)


def _apart(ends: Sequence[float]) -> Iterator[float]:
    """Yield a height for each name, near its line's end: below the name above it, and
    with room for those below.
    """
    place = -SPACING
    for names_below, end in zip(range(len(ends))[::-1], ends, strict=True):
        lowest = HEIGHT - SPACING * (names_below + 1)
        place = min(max(end, place + SPACING), lowest)
        yield place


def _last(line: Line) -> float:
    return line.points[-1][1] if line.points else 0


def _grid(top: float, right: float) -> Iterator[str]:
    for step in range(TICKS + 1):
        y = HEIGHT - BOTTOM - step * (HEIGHT - TOP - BOTTOM) / TICKS
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>'
        yield _text(LEFT - 8, y + 4, f"{top * step / TICKS:,.6g}", anchor="end")
        x = LEFT + step * (WIDTH - LEFT - RIGHT) / TICKS
        label = f"{right * step / TICKS:,.0f} s"
        yield _text(x, HEIGHT - BOTTOM + 20, label, anchor="middle")


def _text(
    x: float, y: float, text: str, anchor: str = "start", fill: str = "#222222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" '
        f'fill="{fill}">{escape(text)}</text>'
    )
