"""What the runs add up to: Markdown, two plots, and the figures themselves."""

import json
import os
import platform
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks import svg
from benchmarks.contestants import CONTESTANTS, WAYBILL
from benchmarks.trial import Result
from deploy.local.places import ROOT

#: Column of the report -> the processes that count as it.
ROLES: dict[str, Callable[[str], bool]] = {
    "placing": lambda name: name == "placing",
    "relay": lambda name: name == "relay",
    "workers": lambda name: name.startswith("worker-"),
    "RabbitMQ": lambda name: name == "RabbitMQ",
    "PostgreSQL": lambda name: name == "PostgreSQL",
}
PAGE = """\
# Benchmark of {when}

`{command}` on {machine}, at {commit}.

{rounds} interleaved rounds: the median of each, and in brackets the lowest and highest.
Everything ran on this one machine, PostgreSQL and RabbitMQ too. What is carried, and
how it is checked, is in [benchmarks/](../README.md).

## Orders a second

![Orders a second](throughput.svg)

{throughput}

## CPU milliseconds for one order

The figure that survives a noisy machine. Orders are placed in bulk, so no web server
takes part.

![CPU for one order](cpu.svg)

{cpu}

## What PostgreSQL wrote for one order

Everybody passed the same check: every order completed, all of its rows there. What is
above the floor's is their own: an outbox, an inbox, a log, checkpoints, or a
commit for every message.

{written}

{details}"""


class Summary:
    """All runs of one contestant."""

    def __init__(self, runs: Sequence[Result]) -> None:
        self.runs = runs
        self.title = CONTESTANTS[runs[0].name].title
        rates = [run.rate for run in runs]
        self.rate, self.low, self.high = median(rates), min(rates), max(rates)

    def cpu(self, counts: Callable[[str], bool]) -> float:
        """Milliseconds for one order, of the processes that count."""
        return median(
            1000
            * sum(spent for name, spent in run.cpu.items() if counts(name))
            / run.orders
            for run in self.runs
        )

    def written(self, what: str) -> float:
        return median(run.written[what] for run in self.runs)

    @property
    def all_cpu(self) -> float:
        return self.cpu(lambda _name: True)


def write(folder: Path, results: Sequence[Result], command: str) -> Path:
    """Write the report into a folder; returns its page."""
    folder.mkdir(parents=True, exist_ok=True)
    summaries = sorted(_summaries(results), key=lambda one: one.rate)
    files = {
        "throughput.svg": _throughput_plot(summaries),
        "cpu.svg": _cpu_plot(summaries),
        "results.json": json.dumps([asdict(one) for one in results], indent=1) + "\n",
        "report.md": _page(summaries, results, command),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "report.md"


def _summaries(results: Iterable[Result]) -> list[Summary]:
    runs = defaultdict(list)
    for result in results:
        runs[result.name].append(result)
    return [Summary(own) for own in runs.values()]


def _page(summaries: Sequence[Summary], results: Sequence[Result], command: str) -> str:
    return PAGE.format(
        when=time.strftime("%Y-%m-%d"),
        command=command,
        machine=machine(),
        commit=commit(),
        rounds=max(len(one.runs) for one in summaries),
        throughput=_throughput(summaries),
        cpu=_cpu(summaries),
        written=_written(summaries),
        details=_details(results),
    )


def _throughput(summaries: Sequence[Summary]) -> str:
    ours = [one for one in summaries if one.title == WAYBILL.title]
    rows = [
        [
            one.title,
            f"{one.runs[0].orders:,}",
            f"{one.rate:,.0f} ({one.low:,.0f} to {one.high:,.0f})",
            *(f"{waybill.rate / one.rate:.2g}" for waybill in ours),
        ]
        for one in summaries
    ]
    ratio = ["Waybill is so many times as fast" for _ in ours]
    return table(["", "orders in a run", "orders/s", *ratio], rows)


def _cpu(summaries: Sequence[Summary]) -> str:
    rows = [
        [
            one.title,
            *(_figure(one.cpu(counts)) for counts in ROLES.values()),
            f"**{_figure(one.all_cpu)}**",
        ]
        for one in summaries
    ]
    return table(["", *ROLES, "all"], rows)


def _written(summaries: Sequence[Summary]) -> str:
    names = summaries[0].runs[0].written
    rows = [
        [one.title, *(_figure(one.written(name)) for name in names)]
        for one in summaries
    ]
    return table(["", *names], rows)


def _details(results: Sequence[Result]) -> str:
    runs = [one for one in results if one.name == WAYBILL.name]
    if not runs:
        return ""
    ours = Summary(runs)
    spent = {name: ours.cpu(name.__eq__) for name in runs[0].cpu}
    rows = [
        [f"`{name}`", _figure(cost)]
        for name, cost in sorted(spent.items(), key=lambda item: -item[1])
    ]
    return f"## Waybill's processes\n\n{table(['', 'CPU ms per order'], rows)}\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: float) -> str:
    """Three digits are more than any of it is worth."""
    return f"{value:,.0f}" if value > 99.5 else f"{value:.3g}"  # noqa: PLR2004 - three


def _throughput_plot(summaries: Sequence[Summary]) -> str:
    bars = [
        svg.Bar(one.title, [one.rate], f"{one.rate:,.0f}", one.low, one.high)
        for one in summaries
    ]
    return svg.chart("Orders carried a second, all on one machine", bars)


def _cpu_plot(summaries: Sequence[Summary]) -> str:
    bars = [
        svg.Bar(
            one.title,
            [one.cpu(counts) for counts in ROLES.values()],
            f"{_figure(one.all_cpu)} ms",
        )
        for one in summaries
    ]
    return svg.chart("CPU milliseconds for one order", bars, legend=[*ROLES])


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    model = models[0] if models else platform.machine()
    return f"{cores} cores ({model}), Python {platform.python_version()}"


def commit() -> str:
    words = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "an unknown commit"
