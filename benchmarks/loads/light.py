"""How long one order takes where there is hardly another, and where the time goes."""

import re
import time
from collections import Counter
from collections.abc import Iterator

from benchmarks.loads import client
from benchmarks.loads.figures import (
    Figure,
    Outcome,
    Scale,
    middle,
    milliseconds,
    none_of,
    percentile,
)
from benchmarks.loads.shop import WORKERS, Shop, mark, shop
from benchmarks.report import table

#: From the moment an event was said to that at which the next was, because of it.
STAGES = """
    SELECT cause.type, event.type, count(*),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY lag.seconds),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY lag.seconds)
    FROM messaging_event event JOIN messaging_event cause ON cause.id = event.cause
    CROSS JOIN LATERAL
        (SELECT extract(epoch FROM event.time - cause.time)::float) AS lag(seconds)
    WHERE event.id >= %s GROUP BY 1, 2 ORDER BY min(event.time)
"""
RETRIED = re.compile(r"WARNING \S+: (.+) goes to its retry rung")


def light(scale: Scale) -> Outcome:
    """Place orders over HTTP at a tenth of what it can carry, and at a hundredth."""
    figures: list[Figure] = []
    notes: list[str] = []
    with shop() as own:
        figures.append(_idle(own, scale.seconds / 4))
        for rate in (scale.rate, scale.rate / 10):
            first, before = mark(), own.cpu()
            answers = client.order(own.system.web, rate=rate, seconds=scale.seconds)
            own.await_end(first, sum(one.status == 201 for one in answers))
            spent = own.cpu() - before
            figures += _figures(f"at {rate:g}/s", answers, own.latencies(first))
            notes.append(f"At {rate:g} orders a second:\n\n{_stages(own, first)}")
            notes.append(_costs(spent, len(answers)))
        early = _early(own)
    figures.append(
        Figure("events that came early, to the 5 s rung", str(early.total()))
    )
    notes += [f"Early: {count} x {what}." for what, count in early.most_common()]
    return Outcome(figures, notes="\n\n".join(notes))


def _idle(own: Shop, seconds: float) -> Figure:
    """Tell what costs of the others are nobody's: polls, heartbeats, Erlang's own."""
    before = own.cpu()
    time.sleep(seconds)
    spent = (own.cpu() - before).total()
    return Figure("cores in use while nothing happens", f"{spent / seconds:.2f}")


def _figures(
    when: str, answers: list[client.Answer], latencies: list[float]
) -> Iterator[Figure]:
    yield none_of(f"orders refused, {when}", sum(one.status != 201 for one in answers))
    yield milliseconds(f"placed to completed {when}: p50", middle(latencies), below=100)
    yield milliseconds(f"{when}: p99", percentile(latencies, 99), below=300)
    yield milliseconds(f"{when}: worst", max(latencies))


def _stages(own: Shop, first: str) -> str:
    rows = [
        [
            f"`{cause}` → `{event}`",
            f"{count:,}",
            f"{1000 * p50:.1f}",
            f"{1000 * p99:.1f}",
        ]
        for cause, event, count, p50, p99 in own.all(STAGES, first)
    ]
    return table(["because of → said", "orders", "p50 ms", "p99 ms"], rows)


def _costs(spent: Counter[str], orders: int) -> str:
    rows = [
        [f"`{name}`", f"{1000 * seconds / orders:.1f}"]
        for name, seconds in spent.most_common()
    ]
    rows.append(["all", f"{1000 * spent.total() / orders:.1f}"])
    return table(["CPU", "ms for an order"], rows)


def _early(own: Shop) -> Counter[str]:
    """Count the events that a worker sent up the rungs, by type and worker."""
    found: Counter[str] = Counter()
    for worker in WORKERS:
        for event in RETRIED.findall(own.log(worker.name)):
            found[f"`{event.split()[0]}` in {worker.name}"] += 1
    return found
