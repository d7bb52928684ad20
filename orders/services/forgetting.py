"""What an order leaves behind that only matters for a while."""

from orders_project.messaging import pruning

FORGET = pruning.old("orders_idempotencykey", "created_at")


def forget_keys() -> pruning.Pruned:
    """Delete the Idempotency-Keys that no client will retry any more."""
    return pruning.prune([FORGET])
