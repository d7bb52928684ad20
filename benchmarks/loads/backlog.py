"""Does a long queue slow down what drains it, or fill anybody's memory?"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from benchmarks.loads.figures import Figure, Outcome, Scale, change
from benchmarks.loads.lines import Line, plot
from benchmarks.loads.shop import WORKERS, Shop, shop
from benchmarks.loads.watching import Sample, memory_lines, watched
from deploy.local.errors import PlainError

WITHIN = 0.15
#: A tenth of the backlog shows what a process needs for draining at all.
SHARE = 10
GROWTH = 0.15
FEWEST = 10_000
#: It keeps the messages that wait: that is its work.
KEEPS = "rabbitmq"
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


def backlog(scale: Scale) -> Outcome:
    """Place orders while no worker runs, then drain them; a tenth of them first."""
    if scale.orders < FEWEST:
        raise PlainError(f"backlog: a tenth must be many batches; --orders {FEWEST}")
    with shop() as own:
        _, seen = _drain(own, scale.orders // SHARE)
        before = _peaks(seen)
        first, seen = _drain(own, scale.orders)
        rates = _rates(own, first, scale.orders / 10)
    figures = [
        Figure("orders", f"{scale.orders:,}"),
        Figure(
            "orders/s, by tenths of the work", " ".join(f"{one:,.0f}" for one in rates)
        ),
        change("the last tenth against the first", rates[-1] / rates[0], WITHIN),
        *_memory(before, _peaks(seen)),
    ]
    return Outcome(figures, _plots(seen))


def _drain(own: Shop, count: int) -> tuple[str, list[Sample]]:
    own.halt(WORKERS)
    with watched(own) as seen:
        first = own.place(count)
        own.start_workers()
        own.await_end(first, count)
    return first, seen


def _rates(own: Shop, first: str, orders: float) -> list[float]:
    """Return the orders' worth of work done in a second, in each tenth of it."""
    ends = [own.one(START, first), *(end for (end,) in own.all(ENDS, first))]
    return [orders / (end - start) for start, end in pairwise(ends)]


def _peaks(samples: Sequence[Sample]) -> dict[str, int]:
    names = {name for one in samples for name in one.memory}
    return {name: max(one.memory.get(name, 0) for one in samples) for name in names}


def _memory(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Figure]:
    for name in sorted(after):
        grown = after[name] / before[name] - 1
        what = f"`{name}`: peak, and beside that of a backlog a tenth as long"
        shown = f"{after[name] / 2**20:,.0f} MB, {grown:+.1%}"
        if name == KEEPS:
            yield Figure(f"{what} (keeps what waits)", shown)
        else:
            yield Figure(what, shown, f"below {GROWTH:+.0%}", grown < GROWTH)


def _plots(seen: Sequence[Sample]) -> dict[str, str]:
    left = [(one.at, float(one.open)) for one in seen]
    return {
        "backlog-open": plot("Orders that are not completed", [Line("open", left)]),
        "backlog-memory": plot("Megabytes of each process", memory_lines(seen)),
    }
