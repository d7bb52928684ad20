"""How many orders a second customers can place over HTTP while they are carried."""

import time
from collections.abc import Iterator, Sequence

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
from benchmarks.loads.lines import Line, plot
from benchmarks.loads.shop import OPEN, Shop, mark, shop
from benchmarks.loads.watching import Sample, watched

WARM_UP_SECONDS = 3
#: A minute after the last order nothing may wait any more.
DRAIN_SECONDS = 60
STEPS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
STEP_SECONDS = 10
#: Answers later than this are not what anybody calls sustained.
P99_SECONDS = 0.150
#: Whoever keeps up has no more than these seconds' orders on their way.
BEHIND_SECONDS = 2
#: Rarely: whoever looks at each process's memory stands in the customers' way.
LOOK_SECONDS = 5.0
EARLY = """
    SELECT coalesce(sum(events), 0) FROM messaging_work WHERE outcome = 'retried'
"""


def over_http(scale: Scale) -> Outcome:
    """Sustain a rate, look at what is queued a minute later, then raise it by steps."""
    with shop() as own:
        # Until each of its threads is connected.
        client.order(own.system.web, rate=scale.rate / 2, seconds=WARM_UP_SECONDS)
        own.await_end(mark(), 0)
        first = mark()
        with watched(own, LOOK_SECONDS) as seen:
            answers = client.order(
                own.system.web, rate=scale.rate, seconds=scale.seconds
            )
            queued, drained = _drain(own)
        latencies, early = own.latencies(first), own.one(EARLY)
        highest = _climb(own, scale)
    figures = [*_figures(answers, scale), *_rest(queued, drained)]
    figures.append(milliseconds("placed to completed, p50", middle(latencies)))
    figures.append(milliseconds("placed to completed, p99", percentile(latencies, 99)))
    figures.append(Figure("events that came early, to the 5 s rung", f"{early:,}"))
    figures.append(Figure("highest rate of the steps that it sustains", highest))
    return Outcome(figures, _plots(answers, seen))


def _figures(answers: Sequence[client.Answer], scale: Scale) -> Iterator[Figure]:
    times = [one.seconds for one in answers]
    yield Figure("orders", f"{len(answers):,} at {scale.rate:g}/s")
    yield none_of("not answered by 201", sum(one.status != 201 for one in answers))
    yield milliseconds("POST p50", middle(times))
    yield milliseconds("POST p99", percentile(times, 99), below=1000 * P99_SECONDS)
    yield milliseconds("POST slowest", max(times))


def _rest(queued: dict[str, int], drained: float) -> Iterator[Figure]:
    yield none_of("queued a minute later", sum(queued.values()))
    yield Figure("all at rest after", f"{drained:.0f} s" if not queued else str(queued))


def _drain(own: Shop) -> tuple[dict[str, int], float]:
    start = time.monotonic()
    while (queued := own.queued()) and time.monotonic() < start + DRAIN_SECONDS:
        time.sleep(1)
    return queued, time.monotonic() - start


def _climb(own: Shop, scale: Scale) -> str:
    """Return the last step that is sustained, and why the next one is not."""
    told = "none"
    for factor in STEPS:
        keeps_up, step = _step(own, scale.rate * factor, scale)
        if not keeps_up:
            return f"{told}; not {step}"
        told = step
    return told


def _step(own: Shop, rate: float, scale: Scale) -> tuple[bool, str]:
    seconds = min(STEP_SECONDS, scale.seconds)
    answers = client.order(own.system.web, rate=rate, seconds=seconds)
    behind = own.one(OPEN) / rate
    p99 = percentile([one.seconds for one in answers], 99)
    own.await_end(mark(), 0)
    good = all(one.status == 201 for one in answers)
    keeps_up = good and p99 < P99_SECONDS and behind < BEHIND_SECONDS
    told = f"{rate:g}/s (p99 {1000 * p99:,.0f} ms, {behind:.1f} s behind)"
    return keeps_up, told


def _plots(answers: Sequence[client.Answer], seen: Sequence[Sample]) -> dict[str, str]:
    by_second = [*client.seconds_by_second(answers)]
    times = {
        name: [(at, 1000 * percentile(ones, hundredth)) for at, ones in by_second]
        for name, hundredth in (("p50", 50), ("p99", 99))
    }
    return {
        "http-answers": plot(
            "Milliseconds until a POST is answered, second by second",
            [Line(name, points) for name, points in times.items()],
        ),
        "http-open": plot(
            "Orders on their way", [Line("open", [(one.at, one.open) for one in seen])]
        ),
    }
