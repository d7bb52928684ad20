"""Reading stock."""

from inventory.models import Reservation, ReservationLine


def reservation_rows(order_id: str) -> list[tuple[str, str]]:
    """Return an order's reservation as (label, value) rows; none when unknown."""
    rows = [
        ("reservation", reservation.status)
        for reservation in Reservation.objects.filter(order_id=order_id)
    ]
    lines = ReservationLine.objects.filter(order_id=order_id).order_by("sku")
    return rows + [(line.sku, f"{line.quantity} units") for line in lines]
