"""What the commands show while orders are on their way."""

import time
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from orders import lifecycle
from orders.demo.watching import ended

PLAIN_SECONDS = 2.0
COLOURS = {
    lifecycle.PENDING: "yellow",
    lifecycle.PAID: "cyan",
    lifecycle.SHIPPED: "blue",
    lifecycle.COMPLETED: "green",
    lifecycle.CANCELLED: "red",
}


class Display:
    """How many orders are in which status: live on a terminal, else a line at times."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.console = Console()
        self.live = Live(console=self.console, refresh_per_second=8)
        self.shown = 0.0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.live.stop()

    def show(self, counts: Counter[str]) -> None:
        done = ended(counts)
        line = _line(counts, self.total)
        if self.console.is_terminal:
            bar = ProgressBar(self.total, done, width=60)
            self.live.update(Group(bar, line))
        elif done >= self.total or time.monotonic() - self.shown >= PLAIN_SECONDS:
            self.shown = time.monotonic()
            self.console.print(line, soft_wrap=True)


def _line(counts: Counter[str], total: int) -> Text:
    line = Text(f"{counts.total():>5} of {total} placed:")
    for status, colour in COLOURS.items():
        line.append(f"  {counts[status]} {status}", style=colour)
    return line
