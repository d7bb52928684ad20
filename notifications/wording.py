"""What the messages say, but for the mails' own text: that is in templates/."""

from collections.abc import Mapping
from decimal import Decimal

CREATED, PAID, CONFIRMED = "created", "paid", "confirmed"
SHIPPED, COMPLETED, CANCELLED = "shipped", "completed", "cancelled"

SUBJECTS: Mapping[str, str] = {
    CREATED: "We have your order",
    PAID: "We have your payment",
    CONFIRMED: "Your order is confirmed",
    SHIPPED: "Your order is on its way",
    COMPLETED: "Your order has arrived",
    CANCELLED: "Your order was cancelled",
}

SMS: Mapping[str, str] = {
    CREATED: "Waybill: we have your order {reference} of {total}. Thank you!",
    PAID: "Waybill: we have your payment of {total} for order {reference}.",
    CONFIRMED: "Waybill: your order {reference} is confirmed.",
    SHIPPED: "Waybill: your order {reference} is on its way. Tracking: {detail}",
    COMPLETED: "Waybill: your order {reference} has arrived. Enjoy it!",
    CANCELLED: "Waybill: your order {reference} was cancelled: {why}.",
}

WHY: Mapping[str, str] = {
    "customer": "you asked us to",
    "out_of_stock": "an item is out of stock",
    "declined": "your card was declined",
    "insufficient_funds": "your account had not enough funds",
    "gateway_unreachable": "the payment could not be made",
    "expired": "it was not paid in time",
}

#: Currencies whose minor unit is not a hundredth (ISO 4217).
DECIMALS: Mapping[str, int] = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3}


def money(cents: int, currency: str) -> str:
    """Write an amount in minor units as people do: 1999 USD is "19.99 USD"."""
    return f"{Decimal(cents).scaleb(-DECIMALS.get(currency, 2)):,f} {currency}"


def why(reason: str) -> str:
    return WHY.get(reason, reason.replace("_", " "))
