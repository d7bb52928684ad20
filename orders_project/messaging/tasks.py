"""What the messaging core does on its own: the dead-letter desk's record, retention."""

from datetime import datetime
from typing import Any

from celery import shared_task
from django.conf import settings

from orders_project.messaging import envelope, sql
from orders_project.messaging.hearing import note_work, takes
from orders_project.messaging.models import DeadLetter
from orders_project.messaging.retry import Wire
from orders_project.messaging.topology import DEAD_DESK_QUEUE

#: Rows a minute of work leaves behind that only matter while a message may come twice.
PRUNE = (
    "DELETE FROM messaging_inbox WHERE handled < now() - make_interval(days => %s)",
    "DELETE FROM messaging_work WHERE at < now() - make_interval(days => %s)",
    "DELETE FROM messaging_nudge WHERE at < now() - make_interval(days => %s)",
)


@takes(DEAD_DESK_QUEUE)
def record_dead_letter(wire: Wire) -> None:
    """Put a parked message on the desk; the original stays in dead.letter.queue."""
    headers, seen = dict(wire.headers), _seen(wire)
    death = (headers.get("x-death") or [{}])[0]
    DeadLetter.objects.create(
        queue=headers.get("x-queue") or death.get("queue", ""),
        type=seen.type or headers.get("task", ""),
        event_id=seen.id,
        order_id=seen.subject,
        reason=headers.get("x-reason")
        or f"The broker parked it: {death.get('reason')}",
        exception=headers.get("x-exception", ""),
        traceback=headers.get("x-traceback", ""),
        attempts=headers.get("x-attempts", 1),
        first_failure=_time(headers.get("x-first-failure")),
        last_failure=_time(headers.get("x-last-failure")),
        body=wire.body,
        headers=_json(headers),
    )
    note_work(DEAD_DESK_QUEUE.name, "handled", 1)


def _seen(wire: Wire) -> envelope.Unread:
    body = wire.body.strip()
    # A parked array holds one event, unless the broker itself parked it.
    return envelope.unread(body[1:-1] if body.startswith(b"[") else body)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _json(headers: dict[str, Any]) -> dict[str, Any]:
    known = ("x-exception", "x-traceback", "x-reason")
    return {name: str(value) for name, value in headers.items() if name not in known}


@shared_task(name="messaging.prune")
def prune() -> None:
    """Delete what retention no longer needs: inbox rows, nudges, work tallies."""
    for statement in PRUNE:
        sql.run(statement, [settings.RETENTION_DAYS])
