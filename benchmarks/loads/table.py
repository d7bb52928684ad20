"""Every load: to add one, a file with its function and a row here."""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.loads.backlog import backlog
from benchmarks.loads.figures import Outcome, Scale
from benchmarks.loads.growth import growth
from benchmarks.loads.light import light
from benchmarks.loads.over_http import over_http
from benchmarks.loads.soak import soak
from benchmarks.loads.urgent import urgent
from benchmarks.loads.workers import workers


class Load(NamedTuple):
    """What it shows and its bar are for people; its figures name the bar again."""

    run: Callable[[Scale], Outcome]
    shows: str
    bar: str
    scale: Scale


LOADS = {
    "http": Load(
        over_http,
        "Customers place orders over HTTP while the orders are carried",
        "all answered 201, p99 below 150 ms, nothing queued a minute later",
        Scale(rate=300, seconds=60),
    ),
    "light": Load(
        light,
        "One order among few, and where its time goes",
        "placed to completed: p50 below 100 ms, p99 below 300 ms",
        Scale(rate=50, seconds=20),
    ),
    "urgent": Load(
        urgent,
        "An urgent order placed into a full system",
        "placed to completed below 2 s",
        Scale(orders=20_000),
    ),
    "growth": Load(
        growth,
        "A million finished orders in the tables",
        "throughput within 10 % of that with a thousand; no statement reads far more",
        Scale(orders=1_000_000),
    ),
    "backlog": Load(
        backlog,
        "A long backlog is drained as fast as a short one, and to its end",
        "within 15 %, as a whole and its last tenth; no process grows with the backlog",
        Scale(orders=100_000),
    ),
    "workers": Load(
        workers,
        "A second worker on a stage that waits for a gateway 50 ms away",
        "that stage's rate goes up by half or more",
        Scale(orders=4_000),
    ),
    "soak": Load(
        soak,
        "Half load for half an hour",
        "no process grows by 5 % in the last two thirds; connections stay flat",
        Scale(rate=150, seconds=1800),
    ),
}
