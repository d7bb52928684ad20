"""What the outbox holds that is due, and how much of it is too much.

Without a broker orders are accepted and wait; a database that fills up for hours would
lose more than the orders it refuses.
"""

from functools import lru_cache
from time import monotonic

from django.conf import settings

from orders_project.database import sql
from orders_project.messaging.events import URGENT


def due(how: str = "") -> str:
    """Return a FROM clause of the parcels that are due, the urgent ones first.

    `how` orders, bounds and locks each of the two. The millions that may be due later
    are not read: they are behind these in the index parcel_in_turn, of which this is
    the beginning. It only fits as long as the words are those of the index; the relay's
    health check in docker-compose.yml repeats them.
    """
    return f"""
        (VALUES (true), (false)) AS turn (urgent), LATERAL (
            SELECT ctid, due FROM messaging_parcel
            WHERE (priority >= {URGENT}) = urgent AND due <= statement_timestamp()
            {how}) AS parcel
    """


#: Reads one row more than the limit, however many there are.
BEYOND = f"SELECT FROM {due()} OFFSET %s LIMIT 1"


def is_full() -> bool:
    """Tell whether more parcels are due than OUTBOX_LIMIT.

    For every request: each process looks once a second. What is due later is no
    backlog.
    """
    return _was_full(int(monotonic()), settings.OUTBOX_LIMIT)


@lru_cache(maxsize=1)
def _was_full(_second: int, limit: int) -> bool:
    return look(limit)


def look(limit: int) -> bool:
    """Ask the database, now, whether more parcels than `limit` are due."""
    return bool(sql.fetch(BEYOND, [limit]))
