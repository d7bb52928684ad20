"""A message as a worker holds it, and hands it to its pool."""

from collections.abc import Mapping
from typing import Any, NamedTuple

#: More than there are rungs. The largest number of AMQP, and one, could not be sent on:
#: that error would park the whole batch.
MANY = 1_000


def attempt_of(header: object) -> int:
    """Read from `x-attempt` how many times it has run, counting this one.

    Somebody else may have written anything there.
    """
    return 1 + (min(header, MANY) if isinstance(header, int) and header > 0 else 0)


class Wire(NamedTuple):
    """A message, or one event of it, as it came from a queue. Crosses to the pool."""

    queue: str
    body: bytes
    headers: Mapping[str, Any]
    priority: int
    redelivered: bool
    reply_to: str = ""
    correlation_id: str = ""
    #: How often an outage stopped it, or its connection was lost, in the hands of a
    #: worker that lives: no death to count.
    held: int = 0

    @property
    def attempt(self) -> int:
        """How many times it has run, counting this one."""
        return attempt_of(self.headers.get("x-attempt"))
