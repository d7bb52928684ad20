"""bin/bench: the same orders through several systems, in turns, and a report."""

import argparse
import sys
from pathlib import Path

from benchmarks import environments, planned, report, scaled, trial
from benchmarks.contestants import CONTESTANTS, WAYBILL, Contestant
from benchmarks.scaling import RESULTS
from deploy.local import lifecycle, programs
from deploy.local.errors import PlainError, plainly
from deploy.local.places import RUN
from deploy.local.say import say, tell
from deploy.local.session import short_lived
from deploy.local.system import forget_outside

EXAMPLES = """\
examples:
  bin/bench                                everybody, three rounds: about ten minutes
  bin/bench --only waybill,floor           these two
  bin/bench --only floor --orders 50 --rounds 1
  bin/bench --report benchmarks/report     write the report that the documents show
  bin/bench --scaling                      what more machines would carry by it
  bin/bench --scaling cores                the same, after a run on one core and on two
"""
REPORT = RUN / "benchmarks" / "report"


@plainly
def main(words: list[str]) -> None:
    options = _parser().parse_args(words)
    forget_outside()
    if options.scaling is None:
        _run(_chosen(options.only), options)
    else:
        _scale([*filter(None, options.scaling.split(","))])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAMES", help=", ".join(CONTESTANTS))
    parser.add_argument("--orders", type=int, help="default: each runs about 10 s")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FOLDER",
        help="default: .run/benchmarks/report",
    )  # fmt: skip
    parser.add_argument(
        "--scaling", nargs="?", const="", metavar="NAMES",
        help="the tables of docs/scaling.md; with names (cores, "
        + ", ".join(scaled.MANY) + ") measured anew before",
    )  # fmt: skip
    return parser


def _chosen(only: str | None) -> list[Contestant]:
    names = only.split(",") if only else [*CONTESTANTS]
    if strange := set(names) - CONTESTANTS.keys():
        raise PlainError(
            f"no contestant {', '.join(strange)}; there are {', '.join(CONTESTANTS)}"
        )
    return [CONTESTANTS[name] for name in names]


def _run(contestants: list[Contestant], options: argparse.Namespace) -> None:
    programs.need_own()
    for one in contestants:
        environments.install(one)
    results: list[trial.Result] = []
    try:
        with short_lived("bench") as system:
            lifecycle.start(system, only_servers=True)
            for turn in range(1, options.rounds + 1):
                for one in contestants:
                    results.append(trial.run(system, one, options.orders or one.orders))
                    say(f"round {turn} of {options.rounds}: {_line(results[-1])}")
    finally:
        # What was measured before a failure is not lost with it.
        if results:
            tell(str(report.write(options.report, results, _command())))
            _keep_up(options.report, results)


def _keep_up(folder: Path, results: list[trial.Result]) -> None:
    """The report that the documents show is what their model is fed with."""
    ours = any(result.name == WAYBILL.name for result in results)
    if ours and folder.resolve() == RESULTS.parent:
        planned.renew()


def _scale(names: list[str]) -> None:
    if names:
        scaled.measure(names)
    tell(planned.renew())


def _command() -> str:
    return " ".join(["bin/bench", *sys.argv[1:]])


def _line(result: trial.Result) -> str:
    return (
        f"{CONTESTANTS[result.name].title}: {result.orders} orders in "
        f"{result.seconds:.1f} s, {result.rate:,.0f}/s, "
        f"{1000 * sum(result.cpu.values()) / result.orders:.2f} ms of CPU each"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
