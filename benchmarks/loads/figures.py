"""What a load has found: figures beside their bars, plots, and notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import NamedTuple

VERDICTS = {True: "kept", False: "**missed**", None: ""}


class Figure(NamedTuple):
    """`kept` is None where there is no bar."""

    what: str
    figure: str
    bar: str = ""
    kept: bool | None = None

    @property
    def row(self) -> list[str]:
        return [self.what, self.figure, self.bar, VERDICTS[self.kept]]


@dataclass(frozen=True)
class Outcome:
    """Plots are SVG by title; `notes` is Markdown that stands below the table."""

    figures: Sequence[Figure]
    plots: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""


@dataclass(frozen=True)
class Scale:
    """How much a load does; the command line may overrule the table."""

    orders: int = 0
    seconds: float = 0
    rate: float = 0


def milliseconds(what: str, seconds: float, below: float | None = None) -> Figure:
    """Return a time as a figure; `below` is its bar, in milliseconds."""
    shown = f"{1000 * seconds:,.0f} ms"
    if below is None:
        return Figure(what, shown)
    return Figure(what, shown, f"below {below:,.0f} ms", 1000 * seconds < below)


def none_of(what: str, count: int) -> Figure:
    return Figure(what, f"{count:,}", "0", count == 0)


def change(what: str, ratio: float, within: float) -> Figure:
    """Return how far a ratio is from 1; falling short by more than `within` is bad."""
    bar = f"no worse than -{within:.0%}"
    return Figure(what, f"{ratio - 1:+.1%}", bar, ratio >= 1 - within)


def percentile(values: Iterable[float], hundredth: int) -> float:
    found = sorted(values)
    if len(found) < 2:
        return found[0] if found else 0.0
    return quantiles(found, n=100, method="inclusive")[hundredth - 1]


def middle(values: Iterable[float]) -> float:
    return median(found) if (found := list(values)) else 0.0
