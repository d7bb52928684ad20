"""What an order leaves behind that only matters for a while."""

from django.conf import settings

from orders_project.messaging import sql

FORGET = """
    DELETE FROM orders_idempotencykey
    WHERE created_at < now() - make_interval(days => %s)
"""


def forget_keys() -> int:
    """Delete the Idempotency-Keys that no client will retry any more."""
    return sql.run(FORGET, [settings.RETENTION_DAYS])
