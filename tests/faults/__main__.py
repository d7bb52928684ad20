"""bin/faults: harm a private system while customers order, and say what was lost."""

import argparse
import os
import random
import sys
import time
from pathlib import Path

from deploy.local import signals
from deploy.local.errors import PlainError, plainly
from deploy.local.say import say, tell
from tests.faults import mutate, report
from tests.faults.catalogue import FAULTS, plan, play
from tests.faults.rig import Rig, rig

#: F8, F12, F16 and any order of things: `bin/test` has them at their usual sizes.
ON_PAPER = [
    f"tests/faults/test_{name}.py"
    for name in ("duplicates", "gateway", "oversell", "state_machine")
]
EXAMPLES = """\
examples:
  bin/faults                           every fault, small
  bin/faults F4 --orders 300 --seed 7  one, as it was when the seed was printed
  bin/faults --nightly                 every fault at its nightly size: about an hour
  bin/faults --report faults.html      a page about the last run of each; or a .md
  bin/faults --mutate                  is each safeguard missed when it is gone?
"""


@plainly
def main(words: list[str]) -> int:
    options = _parser().parse_args(words)
    if options.list:
        return _list()
    if options.report:
        return _report(options.report)
    return mutate.main() if options.mutate else _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/faults",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("fault", nargs="*", help="such as F4; default: all")
    parser.add_argument("--orders", type=int, help="how many; default: see --list")
    parser.add_argument("--seed", type=int, help="replays what a run has printed")
    parser.add_argument("--nightly", action="store_true", help="the long form")
    parser.add_argument("--list", action="store_true", help="the faults, their sizes")
    parser.add_argument("--mutate", action="store_true", help="test the tests")
    parser.add_argument(
        "--report", nargs="?", const=Path("faults.html"), type=Path, metavar="FILE",
        help="write a page about the last run of each fault (default: faults.html)",
    )  # fmt: skip
    return parser


def _list() -> int:
    for name, fault in FAULTS.items():
        sizes = f"{fault.orders:5} orders, nightly {fault.nightly:6,}"
        tell(f"{name:4} {sizes}  {fault.title}")
    return 0


def _report(file: Path) -> int:
    report.write(file)
    say(f"wrote {file}")
    return 0


def _run(options: argparse.Namespace) -> int:
    names = options.fault or [*FAULTS]
    if strange := set(names) - FAULTS.keys():
        raise PlainError(f"no fault {', '.join(strange)}: see bin/faults --list")
    seed = random.randrange(10_000) if options.seed is None else options.seed
    with rig() as running:
        kept = [_one(running, name, seed, options) for name in names]
    if options.nightly and not options.fault:
        kept.append(_on_paper())
    return 0 if all(kept) else 1


def _one(running: Rig, name: str, seed: int, options: argparse.Namespace) -> bool:
    say(f"{name}: {FAULTS[name].title}; replay with: bin/faults {name} --seed {seed}")
    size = {"orders": options.orders, "nightly": options.nightly}
    found = play(running, plan(name, seed=seed, **size), _progress)
    tell(found.explained())
    found.write()
    return found.kept and not found.missed


def _on_paper() -> bool:
    say("the faults that are played without a broker, at their nightly sizes")
    long = ["--hypothesis-profile=nightly", "--timeout=7200"]
    command = ["bin/test", *ON_PAPER, "-q", *long]
    return signals.run(command, os.environ) == 0


def _progress(words: str) -> None:
    say(f"{time.strftime('%H:%M:%S')} {words}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
