"""The hash chain of an order: how a record is sealed, and what is wrong with one.

Plain Python over rows: knows no database.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256

import msgspec

from orders_project.messaging import envelope
from orders_project.messaging.errors import Poison

#: What stands where the previous hash would be, before an order's first record.
NOTHING = ""


class Link(msgspec.Struct, frozen=True):
    """A record as it is kept, in the order of `selectors.COLUMNS`."""

    order_id: str
    seq: int
    event_id: str
    type: str
    time: datetime
    body: str
    previous_hash: str
    hash: str

    @property
    def words(self) -> str:
        event = f"event {self.event_id} ({self.type})"
        return f"Order {self.order_id}, record {self.seq}, {event}"


def seal(previous_hash: str, body: str) -> str:
    """Return the hash that closes a record, as `sha256sum` would print it."""
    return sha256(f"{previous_hash}{body}".encode()).hexdigest()


def breaks(links: Iterable[Link]) -> Iterator[str]:
    """Yield in words what is wrong with each record; they come by order and seq."""
    before: Link | None = None
    for link in links:
        if before and before.order_id != link.order_id:
            before = None
        if fault := _fault(before, link):
            yield f"{link.words}: {fault}"
        before = link


def _fault(before: Link | None, link: Link) -> str:
    last, previous_hash = (before.seq, before.hash) if before else (0, NOTHING)
    if link.seq != last + 1:
        return f"record {last + 1} is missing before it."
    if link.previous_hash != previous_hash:
        return "it does not continue the record before it: one of them was changed."
    if link.hash != seal(link.previous_hash, link.body):
        return "its body does not fit its hash: it was changed."
    if not _says_the_same(link):
        return "its columns do not say what its body says: they were changed."
    return ""


def _says_the_same(link: Link) -> bool:
    try:
        # Not as an event: another release may know it in another version.
        event = envelope.read(link.body.encode())
        said = (*envelope.names(event), event.type, event.time)
    except Poison:
        return False
    return said == (link.order_id, link.event_id, link.type, link.time)
