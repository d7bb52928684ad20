"""`manage.py verify`: are all promises kept on this live system?"""

import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from orders_project import promises
from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people

SHOWN = 50
#: Seconds between two looks.
PAUSE = 0.5
COLUMNS = (
    MofNCompleteColumn(),
    TextColumn("{task.description}", markup=False),
    TimeElapsedColumn(),
)


class Command(BaseCommand):
    help = (
        "Check every promise on the live system and exit 1 on any violation. Waits "
        "for the system to come to rest. Examples: manage.py verify; "
        "manage.py verify --moving (while orders are on their way)"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--moving", action="store_true", help="only what holds at any moment"
        )
        parser.add_argument(
            "--wait",
            type=people.decimal(0, people.LONGEST_WAIT),
            default=30,
            help="seconds to wait for rest",
        )

    @long_statements(MAINTENANCE)
    def handle(self, *, moving: bool, wait: float, **_options: Any) -> None:
        if broken := self._broken(moving=moving, wait=0 if moving else wait):
            more = len(broken) - SHOWN
            tail = [f"... and {more} more"] if more > 0 else []
            raise CommandError(
                "\n".join([f"{len(broken)} violations:", *broken[:SHOWN], *tail])
            )
        count = len(promises.in_force(resting=not moving))
        self.stdout.write(f"All {count} promises are kept: 0 violations.")

    def _broken(self, *, moving: bool, wait: float) -> list[str]:
        """Return the violations that are still there after the wait, in seconds.

        What is on its way looks broken until it has arrived. With a million orders one
        look takes minutes: what moved as it began would be told of long after it had
        arrived, so that it begins when nothing moves any more.
        """
        deadline = time.monotonic() + wait
        while not moving and time.monotonic() < deadline and any(promises.unrest()):
            time.sleep(PAUSE)
        while broken := self._look(moving=moving):
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE)
        return broken

    def _look(self, *, moving: bool) -> list[str]:
        """Check all once, and tell a terminal how far that is."""
        broken: list[str] = []
        checks = [*promises.checks(resting=not moving)]
        with self._progress() as bar:
            shown = bar.add_task("", total=len(checks))
            for sentence, found in checks:
                bar.update(shown, description=sentence)
                broken += found
                bar.advance(shown)
        return broken

    def _progress(self) -> Progress:
        out = Console(file=cast("IO[str]", self.stdout))
        hidden = not self.stdout.isatty()
        return Progress(*COLUMNS, console=out, transient=True, disable=hidden)
