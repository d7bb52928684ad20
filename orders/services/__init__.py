"""Everything that changes an order. Called by views, tasks and admin; knows none."""

from orders.services.asking import cancel_order, confirm_delivery
from orders.services.cataloguing import load_products
from orders.services.expiring import expire_orders
from orders.services.failures import (
    assign,
    place_again,
    record_failures,
    record_findings,
)
from orders.services.forgetting import forget_keys
from orders.services.moving import (
    cancel_orders,
    record_deliveries,
    record_payments,
    ship_orders,
)
from orders.services.nudging import nudge_idle_orders
from orders.services.placing import (
    place_each,
    place_orders,
    place_together,
)

__all__ = (
    "assign",
    "cancel_order",
    "cancel_orders",
    "confirm_delivery",
    "expire_orders",
    "forget_keys",
    "load_products",
    "nudge_idle_orders",
    "place_again",
    "place_each",
    "place_orders",
    "place_together",
    "record_deliveries",
    "record_failures",
    "record_findings",
    "record_payments",
    "ship_orders",
)
