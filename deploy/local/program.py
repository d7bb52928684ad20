"""What the supervisor is told about one process."""

import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Program:
    """A process to keep running; its group is stopped as a whole, and the groups one
    after another.
    """

    name: str
    command: str
    group: str = "app"
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 10

    @property
    def id(self) -> str:
        """Its name in the supervisor's own words."""
        return f"{self.group}:{self.name}"


def command(*words: object) -> str:
    """A command line from words that may hold spaces."""
    return shlex.join(str(word) for word in words)
