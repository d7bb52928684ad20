"""bin/faults --mutate: take a safeguard away, and see that a test turns red.

Each is removed in a copy of the tree, by a text that must still be there; then the
tests that are to notice are run. A safeguard that nobody misses is an opinion.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import NamedTuple

from deploy.local import lifecycle
from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.say import say, tell
from deploy.local.session import short_lived
from tests.faults.mutations import MUTATIONS, Mutation

LEFT_OUT = ignore_patterns(".venv", ".run", ".git", ".*_cache", "__pycache__")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
LINE = "| {} | {} | {} | {} |"
HEAD = (
    LINE.format("without", "the first test to turn red", "", "time"),
    "|---" * 4 + "|",
)


class Tried(NamedTuple):
    """What became of the tests without a safeguard; `red` names the first to fail."""

    name: str
    red: str
    seconds: float

    def __str__(self) -> str:
        seen = "red" if self.red else "**green**"
        return LINE.format(self.name, self.red or "-", seen, f"{self.seconds:.0f} s")


def main() -> int:
    """Try every mutation; 1 if one of them went unnoticed."""
    with short_lived("test") as system:
        lifecycle.start(system, only_servers=True)
        environment = os.environ | system.environment()
        require_green(environment)
        found = [tried(one, environment) for one in MUTATIONS]
    tell("\n".join([*HEAD, *map(str, found)]))
    return 0 if all(one.red for one in found) else 1


def require_green(environment: dict[str, str]) -> None:
    """See that the tests pass as things are: else a red one would say nothing."""
    every = sorted({test for one in MUTATIONS for test in one.tests})
    with copied() as tree:
        if red := first_red(tree, every, environment):
            raise PlainError(f"{red} fails with every safeguard in place.")


def tried(mutation: Mutation, environment: dict[str, str]) -> Tried:
    start = time.monotonic()
    with copied() as tree:
        remove(mutation, tree)
        red = first_red(tree, mutation.tests, environment)
    done = Tried(mutation.name, red, time.monotonic() - start)
    say(str(done))
    return done


@contextmanager
def copied() -> Iterator[Path]:
    with TemporaryDirectory(prefix="waybill-") as folder:
        tree = Path(folder) / "tree"
        copytree(ROOT, tree, ignore=LEFT_OUT)
        yield tree


def remove(mutation: Mutation, tree: Path) -> None:
    if outdated := list(mutation.misfits(tree)):
        raise PlainError("\n".join(outdated))
    for file, old, new in mutation.edits:
        page = tree / file
        page.write_text(page.read_text().replace(old, new))


def first_red(tree: Path, tests: Iterable[str], environment: dict[str, str]) -> str:
    """Return the first test that fails, or "". Raises PlainError if none could run."""
    words = [sys.executable, "-m", "pytest", "-qx", "--tb=short", "-rfE", *tests]
    done = subprocess.run(
        words,
        cwd=tree,
        env=environment | {"PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    red = FAILED.search(done.stdout)
    if bool(red) != bool(done.returncode):
        raise PlainError(f"The tests did not run:\n{done.stdout[-3000:]}")
    return red[1] if red else ""
