"""Does a long queue slow down what drains it, or fill anybody's memory?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from benchmarks.loads.figures import Figure, Outcome, Scale, change
from benchmarks.loads.lines import Line, plot
from benchmarks.loads.shop import WORKERS, Shop, shop
from benchmarks.loads.watching import Sample, memory_lines, watched
from deploy.local.errors import PlainError

WITHIN = 0.15
#: A quarter of the backlog fills all that a worker may have in hand.
SHARE = 4
GROWTH = 0.15
FEWEST = 10_000
#: Their memory is not of what they drain.
EXCUSED = {
    "rabbitmq": "keeps what waits",
    "postgres": "with autovacuum, which comes after so many rows",
}
#: Of what is done with orders, not of orders completed: their first stages come first,
#: for all of them, so that the last orders are completed in no time.
ENDS = """
    SELECT extract(epoch FROM max(time))::float
    FROM (SELECT time, ntile(10) OVER (ORDER BY time) AS decile
        FROM messaging_event WHERE id >= %s AND type <> 'order.created') AS ordered
    GROUP BY decile ORDER BY decile
"""
START = """
    SELECT extract(epoch FROM min(time))::float FROM messaging_event
    WHERE id >= %s AND type <> 'order.created'
"""
END = "SELECT extract(epoch FROM max(at))::float FROM messaging_work"


def backlog(scale: Scale) -> Outcome:
    """Place orders while no worker runs, then drain them; a quarter of them first."""
    if scale.orders < FEWEST:
        raise PlainError(f"backlog: a tenth must be many batches; --orders {FEWEST}")
    with shop() as own:
        short = _drain(own, scale.orders // SHARE)
        long = _drain(own, scale.orders)
        tenths = _tenths(own, long)
    figures = [
        Figure("orders", f"{scale.orders:,}"),
        Figure("orders/s until all is recorded, too", f"{long.rate:,.0f}"),
        Figure("the same of a backlog a quarter as long", f"{short.rate:,.0f}"),
        change("the long one against the short", long.rate / short.rate, WITHIN),
        Figure(
            "orders/s, by tenths of the work", " ".join(f"{one:,.0f}" for one in tenths)
        ),
        change("the last tenth against the first", tenths[-1] / tenths[0], WITHIN),
        *_memory(_peaks(short.seen), _peaks(long.seen)),
    ]
    return Outcome(figures, _plots(long.seen))


class Drain(NamedTuple):
    """`first` is the mark of its orders; `rate` in orders a second."""

    first: str
    orders: int
    rate: float
    seen: list[Sample]


def _drain(own: Shop, count: int) -> Drain:
    own.halt(WORKERS)
    with watched(own) as seen:
        first = own.place(count)
        own.start_workers()
        own.await_end(first, count)
    return Drain(first, count, count / (own.one(END) - own.one(START, first)), seen)


def _tenths(own: Shop, drain: Drain) -> list[float]:
    """Return the orders' worth of work done in a second, in each tenth of it."""
    ends = [own.one(START, drain.first)]
    ends += [end for (end,) in own.all(ENDS, drain.first)]
    return [drain.orders / 10 / (end - start) for start, end in pairwise(ends)]


def _peaks(samples: Sequence[Sample]) -> dict[str, int]:
    names = {name for one in samples for name in one.memory}
    return {name: max(one.memory.get(name, 0) for one in samples) for name in names}


def _memory(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Figure]:
    for name in sorted(after):
        grown = after[name] / before[name] - 1
        what = f"`{name}`: peak, and beside that of a backlog a quarter as long"
        shown = f"{after[name] / 2**20:,.0f} MB, {grown:+.1%}"
        if name in EXCUSED:
            yield Figure(f"{what} ({EXCUSED[name]})", shown)
        else:
            yield Figure(what, shown, f"below {GROWTH:+.0%}", grown < GROWTH)


def _plots(seen: Sequence[Sample]) -> dict[str, str]:
    left = [(one.at, float(one.open)) for one in seen]
    return {
        "backlog-open": plot("Orders that are not completed", [Line("open", left)]),
        "backlog-memory": plot("Megabytes of each process", memory_lines(seen)),
    }
