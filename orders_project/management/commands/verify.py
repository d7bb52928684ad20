"""`manage.py verify`: are all promises kept on this live system?"""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders_project import promises
from orders_project.database.silence import MAINTENANCE, long_statements
from orders_project.messaging import people

SHOWN = 50


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
        if broken := _broken(moving=moving, wait=0 if moving else wait):
            more = len(broken) - SHOWN
            tail = [f"... and {more} more"] if more > 0 else []
            raise CommandError(
                "\n".join([f"{len(broken)} violations:", *broken[:SHOWN], *tail])
            )
        count = len(promises.in_force(resting=not moving))
        self.stdout.write(f"All {count} promises are kept: 0 violations.")


def _broken(*, moving: bool, wait: float) -> list[str]:
    """Return the violations that are still there after the wait, in seconds.

    What is on its way looks broken until it has arrived, and the broker's own figures
    of its queues may be some seconds old.
    """
    deadline = time.monotonic() + wait
    while broken := list(promises.violations(resting=not moving)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return broken
