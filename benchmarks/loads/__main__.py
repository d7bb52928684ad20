"""bin/load: Waybill alone under load, each claim with its figure and its bar."""

import argparse
import sys
from pathlib import Path

from benchmarks.loads import report
from benchmarks.loads.figures import Scale
from benchmarks.loads.table import LOADS, Load
from benchmarks.report import table
from deploy.local import programs
from deploy.local.errors import PlainError, plainly
from deploy.local.say import say, tell
from deploy.local.system import forget_outside

EXAMPLES = """\
examples:
  bin/load --list
  bin/load light                     twenty seconds of fifty orders a second
  bin/load http --rate 100 --seconds 10
  bin/load --all --report benchmarks/report/loads.md

Exits 1 if a bar is missed. A report keeps the sections of the loads that were not run.
"""


@plainly
def main(words: list[str]) -> int:
    options = _parser().parse_args(words)
    forget_outside()
    return _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/load",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(LOADS))
    parser.add_argument("--all", action="store_true", help="one after the other")
    parser.add_argument("--list", action="store_true", help="what each shows, its bar")
    for flag, kind in Scale.__annotations__.items():
        parser.add_argument(f"--{flag}", type=kind, help="default: see --list")
    parser.add_argument("--report", type=Path, metavar="PAGE.md")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.list:
        tell(_list())
        return 0
    programs.need_own()
    return max(_run_one(name, options) for name in _chosen(options))


def _chosen(options: argparse.Namespace) -> list[str]:
    names = [*LOADS] if options.all else options.names
    if strange := set(names) - LOADS.keys():
        raise PlainError(f"no load {', '.join(strange)}; there are {', '.join(LOADS)}")
    if not names:
        raise PlainError("which load? bin/load --list names them")
    return names


def _run_one(name: str, options: argparse.Namespace) -> int:
    load = LOADS[name]
    say(f"{name}: {load.shows}")
    outcome = load.run(_scale(load, options))
    tell(f"{report.figures(outcome)}\n\n{outcome.notes}")
    if options.report:
        report.write(options.report, name, outcome, f"bin/load {name}")
    return int(any(one.kept is False for one in outcome.figures))


def _scale(load: Load, options: argparse.Namespace) -> Scale:
    given = {name: getattr(options, name) for name in Scale.__annotations__}
    usual = {name: getattr(load.scale, name) for name in given}
    return Scale(**{name: given[name] or usual[name] for name in given})


def _list() -> str:
    rows = (
        [f"`{name}`", load.shows, load.bar, _told(load.scale)]
        for name, load in LOADS.items()
    )
    return table(["load", "shows", "bar", "usual scale"], rows)


def _told(scale: Scale) -> str:
    return " ".join(f"--{name} {value}" for name, value in vars(scale).items() if value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
