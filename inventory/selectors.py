"""Reading stock."""

from collections.abc import Sequence
from typing import NamedTuple

from inventory.models import Reservation, ReservationLine
from orders_project.database import sql

DRIFT = """
    SELECT sku, reserved, sold, coalesce(held, 0)::int, coalesce(bought, 0)::int
    FROM inventory_stockitem LEFT JOIN (
        SELECT sku, sum(quantity) FILTER (WHERE status = 'held') AS held,
            sum(quantity) FILTER (WHERE status = 'committed') AS bought
        FROM inventory_reservationline JOIN inventory_reservation USING (order_id)
        WHERE sku = ANY(%(skus)s) GROUP BY sku) AS orders USING (sku)
    WHERE sku = ANY(%(skus)s)
        AND (reserved, sold) <> (coalesce(held, 0), coalesce(bought, 0))
"""


class Drift(NamedTuple):
    """A sku whose figures are not what the orders hold of it and have bought."""

    sku: str
    reserved: int
    sold: int
    held: int
    bought: int


def drift(skus: Sequence[str]) -> list[Drift]:
    """Return those of these skus whose figures differ from the sum of the orders."""
    return [Drift(*row) for row in sql.fetch(DRIFT, {"skus": list(skus)})]


def reservation_rows(order_id: str) -> list[tuple[str, str]]:
    """Return an order's reservation as (label, value) rows; none when unknown."""
    rows = [
        ("reservation", reservation.status)
        for reservation in Reservation.objects.filter(order_id=order_id)
    ]
    lines = ReservationLine.objects.filter(order_id=order_id).order_by("sku")
    return rows + [(line.sku, f"{line.quantity} units") for line in lines]
