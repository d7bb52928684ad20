"""What the workers say of a replay: its message carries the letter's number.

An ordinary message has no such header, and costs nothing here. A replay that fails
waits on the first rung only: who pressed wants to know soon, and its letter is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orders_project.database import sql
from orders_project.messaging.topology import RUNGS, Rung

HEADER = "x-replay"

Mark = Mapping[str, int]

#: In the transaction that handled it, where there is one.
SETTLE = """
    WITH settled AS (
        UPDATE messaging_deadletter SET status = %s, since = now()
        WHERE id = ANY(%s) AND queue = %s AND status IN ('open', 'replaying')
        RETURNING id, status)
    INSERT INTO messaging_deadletteraction (letter_id, who, what, why, change)
    SELECT id, 'worker', status, '', '' FROM settled ORDER BY id
"""
NOTE = """
    INSERT INTO messaging_deadletteraction (letter_id, who, what, why, change)
    SELECT id, 'worker', 'retried', %s, '' FROM messaging_deadletter
    WHERE id = ANY(%s) AND queue = %s
"""


def mark(headers: Mapping[str, Any]) -> dict[str, int]:
    """Return the header of a replay, to be carried on; nothing of other messages."""
    found = headers.get(HEADER)
    return {HEADER: found} if isinstance(found, int) else {}


def rungs(headers: Mapping[str, Any]) -> Sequence[Rung]:
    """Return the rungs that a message may climb."""
    return RUNGS[:1] if mark(headers) else RUNGS


def done(queue: str, *marks: Mark) -> None:
    _write(SETTLE, "done", queue, marks)


def applied(queue: str, *marks: Mark) -> None:
    """Note that the queue had handled these before their replay arrived."""
    _write(SETTLE, "applied", queue, marks)


def retried(queue: str, mark: Mark, why: str) -> None:
    """Note that a replay failed for now, and waits on a rung for its next attempt."""
    _write(NOTE, why.replace("\x00", ""), queue, [mark])


def _write(statement: str, word: str, queue: str, marks: Iterable[Mark]) -> None:
    if letters := [letter for mark in marks for letter in mark.values()]:
        sql.run(statement, [word, letters, queue])
