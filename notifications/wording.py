"""What the messages say, but for the mails' own text: that is in templates/."""

from collections.abc import Mapping

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
    CREATED: "{shop}: we have your order {reference} of {total}. Thank you!",
    PAID: "{shop}: we have your payment of {total} for order {reference}.",
    CONFIRMED: "{shop}: your order {reference} is confirmed.",
    SHIPPED: "{shop}: your order {reference} is on its way. Tracking: {detail}",
    COMPLETED: "{shop}: your order {reference} has arrived. Enjoy it!",
    CANCELLED: "{shop}: your order {reference} was cancelled: {why}.",
}

#: Each word that we say in order.cancelled (docs/events.md); a test collects them. Real
#: gateways have words of their own, which are not for customers.
WHY: Mapping[str, str] = {
    "customer": "you asked us to",
    "staff": "our staff called it off",
    "expired": "it was not paid in time",
    "out_of_stock": "an item is out of stock",
    "declined": "your card was declined",
    "insufficient_funds": "your account had not enough funds",
    "unknown_token": "your means of payment is not known",
    "not_authorised": "the payment was not authorised",
    "gateway_unreachable": "the payment could not be made",
    "voided": "the payment was called off",
    "voided_at_gateway": "the payment was called off",
    "refunded_at_gateway": "the payment was given back",
}
OTHERWISE = "it could not be carried out"


def why(reason: str) -> str:
    return WHY.get(reason, OTHERWISE)
