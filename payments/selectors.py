"""What others may know of payments. Reads only."""

from typing import Any

import msgspec

from orders_project.database import sql
from payments.gateways import gateway

OURS = """
    SELECT p.status, p.reason, p.method, p.amount_cents, p.currency, r.status
    FROM payments_payment p LEFT JOIN payments_refund r USING (order_id)
    WHERE order_id = %s::uuid
"""
FIELDS = ("status", "reason", "method", "amount_cents", "currency", "refund")


def payment_at_gateway(order_id: str) -> dict[str, Any]:
    """Return what we know of an order's payment, and what the gateway itself says.

    `status` is None where no payment was opened. Amounts are in minor units.
    """
    rows = sql.fetch(OURS, [order_id]) or [(None,) * len(FIELDS)]
    (balance,) = gateway().lookup([order_id])
    return {
        "order_id": order_id,
        **dict(zip(FIELDS, rows[0], strict=True)),
        "gateway": msgspec.to_builtins(balance),
    }
