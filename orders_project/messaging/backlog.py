"""How much the outbox may hold before nobody should promise more.

Without a broker orders are accepted and wait; a database that fills up for hours would
lose more than the orders it refuses.
"""

from functools import lru_cache
from time import monotonic

from django.conf import settings

from orders_project.messaging import sql

#: Reads one row more than the limit, however many there are.
BEYOND = """
    SELECT FROM messaging_parcel WHERE due <= statement_timestamp() OFFSET %s LIMIT 1
"""


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
