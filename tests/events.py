"""The longest of all events, complete but for what a test is about."""

from typing import Any

from orders_project.messaging.events import Line, OrderCreated, new_id

USUAL: dict[str, Any] = {
    "lines": (),
    "total_cents": 3998,
    "currency": "USD",
    "method": "prepaid",
    "payment_token": "tok_ok",
    "country": "DE",
    "category": "Kitchen",
    "email": "",
    "phone": "",
}


def created(**fields: Any) -> OrderCreated:
    return OrderCreated(**{"order_id": new_id()} | USUAL | fields)


def lines(**quantities: int) -> tuple[Line, ...]:
    """Return lines of so many units of each sku, at 19.99."""
    return tuple(
        Line(sku=sku, quantity=quantity, unit_cents=1999)
        for sku, quantity in quantities.items()
    )
