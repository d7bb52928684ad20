"""What the audit knows: its records, and whether they are whole. Reads only."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast

from audit.chain import Link, breaks
from audit.models import AuditRecord
from orders_project.messaging.models import LoggedEvent

#: Rows that a server-side cursor hands over at a time.
CHUNK = 2_000
#: Orders at a time, of all there are.
BATCH = 500

M = TypeVar("M", bound=Model)


def violations() -> Iterator[str]:
    """Yield in words everything that is wrong with the records of all orders.

    Strict: an event that is still on its way to the audit counts as missing.
    """
    yield from breaks(links())
    yield from incomplete()


def altered(order_id: str | None = None) -> Iterator[str]:
    """Yield in words which records are not as written, or lack one before them."""
    yield from breaks(links(order_id))
    yield from contradicted(order_id)


def links(order_id: str | None = None) -> Iterator[Link]:
    """Stream the records along their chains, order by order."""
    columns = (
        Cast(name, TextField()) if name.endswith("_id") else name
        for name in Link.__struct_fields__
    )
    for row in _stream(records(order_id).values_list(*columns)):
        yield Link(*row)


def incomplete(order_id: str | None = None) -> Iterator[str]:
    """Yield in words which events of the log, and which causes, are not recorded so."""
    yield from missing(order_id)
    yield from contradicted(order_id)
    yield from causeless(order_id)


def missing(order_id: str | None = None) -> Iterator[str]:
    for event in _stream(unrecorded(order_id)):
        yield f"{_words(event)}: it is in the log, but not recorded."


def contradicted(order_id: str | None = None) -> Iterator[str]:
    for event in _stream(recorded_otherwise(order_id)):
        yield f"{_words(event)}: the record says something else than the log."


def causeless(order_id: str | None = None) -> Iterator[str]:
    for event in _stream(without_cause(order_id)):
        yield f"{_words(event)}: its cause, event {event.cause}, is not recorded."


def records(order_id: str | None = None) -> QuerySet[AuditRecord]:
    """Return the records of one order, or of all, along their chains."""
    return _only(AuditRecord.objects.order_by("order_id", "seq"), order_id)


def logged(order_id: str | None = None) -> QuerySet[LoggedEvent]:
    return _only(LoggedEvent.objects.order_by("id"), order_id)


def unrecorded(order_id: str | None = None) -> QuerySet[LoggedEvent]:
    """Return what was said and is not recorded: lost, or still on its way."""
    return logged(order_id).exclude(_recorded(event_id=OuterRef("id")))


def recorded_otherwise(order_id: str | None = None) -> QuerySet[LoggedEvent]:
    same_id = AuditRecord.objects.filter(event_id=OuterRef("id"))
    return logged(order_id).filter(Exists(same_id.exclude(body=OuterRef("body"))))


def without_cause(order_id: str | None = None) -> QuerySet[LoggedEvent]:
    caused = logged(order_id).filter(cause__isnull=False)
    return caused.exclude(_recorded(event_id=OuterRef("cause")))


def _recorded(**by: OuterRef) -> Exists:
    return Exists(AuditRecord.objects.filter(**by))


def _only(rows: QuerySet[M], order_id: str | None) -> QuerySet[M]:
    return rows.filter(order_id=order_id) if order_id else rows


def _stream(rows: QuerySet[Any, Any]) -> Iterator[Any]:
    # In a transaction, because a cursor that outlives one has its whole result copied.
    with transaction.atomic():
        yield from rows.iterator(chunk_size=CHUNK)


def _words(event: LoggedEvent) -> str:
    return f"Order {event.order_id}, event {event.id} ({event.type})"


def count_orders() -> int:
    """Return how many orders the event log knows."""
    return LoggedEvent.objects.values("order_id").distinct().count()


def order_batches() -> Iterator[list[str]]:
    """Yield the ids of all orders in the event log, BATCH at a time."""
    orders = LoggedEvent.objects.order_by("order_id").values_list("order_id", flat=True)
    found = list(orders.distinct()[:BATCH])
    while found:
        yield [str(order_id) for order_id in found]
        found = list(orders.filter(order_id__gt=found[-1]).distinct()[:BATCH])
