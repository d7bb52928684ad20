"""Does anything grow where the work stays the same?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from benchmarks.loads import client
from benchmarks.loads.figures import (
    Figure,
    Outcome,
    Scale,
    milliseconds,
    none_of,
    percentile,
)
from benchmarks.loads.lines import Line, plot
from benchmarks.loads.shop import mark, shop
from benchmarks.loads.watching import Sample, memory_lines, watched
from deploy.local import processes

GROWTH = 0.05
#: Bytes: of what holds less, 5 % is a page or two.
LEAST = 2**20
LOOK_SECONDS = 5


#: Mails are sent here, to nobody: their steps would wait in RabbitMQ and fill it.
TO_NOBODY = (
    "env EMAIL_BACKEND=django.core.mail.backends.dummy.EmailBackend"
    " SMS_SENDER=benchmarks.loads.nowhere.TextMessages"
)
PROCESSES = [
    processes.WEB,
    processes.RELAY,
    *(
        replace(one, command=f"{TO_NOBODY} {one.command}")
        for one in processes.local_workers()
    ),
]


def soak(scale: Scale) -> Outcome:
    """Place orders over HTTP at half of what it can carry, for long."""
    with shop(PROCESSES) as own:
        first = mark()
        with watched(own, every=min(LOOK_SECONDS, scale.seconds / 20)) as seen:
            answers = client.order(
                own.system.web, rate=scale.rate, seconds=scale.seconds
            )
        own.await_end(first, 0)
        latencies = own.latencies(first)
    figures = [
        Figure("orders", f"{len(answers):,} in {scale.seconds / 60:.1f} minutes"),
        none_of("not answered by 201", sum(one.status != 201 for one in answers)),
        none_of("not completed", len(answers) - len(latencies)),
        *_growth(seen),
        _connections(seen),
        *_quickness(latencies),
    ]
    return Outcome(figures, _plots(seen, answers))


def _growth(seen: Sequence[Sample]) -> Iterator[Figure]:
    before, after = _thirds(seen)
    for name in sorted(seen[-1].memory):
        was, now = (
            median(one.memory.get(name, 0) for one in part) for part in (before, after)
        )
        if now < LEAST:
            continue
        grown = now / was - 1
        shown = f"{now / 2**20:,.0f} MB, {grown:+.1%}"
        what = f"`{name}`: memory, from the second third to the last"
        yield Figure(what, shown, f"below {GROWTH:+.0%}", grown < GROWTH)


def _connections(seen: Sequence[Sample]) -> Figure:
    was, now = (max(one.connections for one in part) for part in _thirds(seen))
    shown = f"{was}, then {now}"
    return Figure("connections to PostgreSQL, at most", shown, "no more", now <= was)


def _thirds(seen: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    third = len(seen) // 3
    return seen[third : 2 * third], seen[-third:]


def _quickness(latencies: Sequence[float]) -> Iterator[Figure]:
    third = len(latencies) // 3
    for when, part in (("first", latencies[:third]), ("last", latencies[-third:])):
        yield milliseconds(
            f"placed to completed in the {when} third, p99", percentile(part, 99)
        )


def _plots(seen: Sequence[Sample], answers: Sequence[client.Answer]) -> dict[str, str]:
    p99 = [
        (at, 1000 * percentile(ones, 99))
        for at, ones in client.seconds_by_second(answers)
    ]
    return {
        "soak-memory": plot("Megabytes of each process", memory_lines(seen)),
        "soak-answers": plot(
            "Milliseconds until a POST is answered, p99 of each second",
            [Line("p99", p99)],
        ),
    }
