"""What this app refuses, in words that a client can act on."""

from collections.abc import Sequence

from orders_project.errors import FieldError, ProblemError


class UnknownProductError(ProblemError):
    """An item that the catalogue does not sell."""

    status, title, slug = 400, "Unknown product", "unknown-product"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("GET /api/products/ lists what can be ordered.", errors)


class InvalidOrderError(ProblemError):
    """An order that makes no sense, whatever the catalogue says."""

    status, title, slug = 400, "Invalid order", "invalid-order"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The order was not stored.", errors)


class PriceChangedError(ProblemError):
    """A price that is not the catalogue's: it is a check, and never taken over."""

    status, title, slug = 409, "Price changed", "price-changed"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "A given unit_cents must be the current price. Show the customer the new "
            "one and order again, or leave unit_cents out.",
            errors,
        )


class OrderNotFoundError(ProblemError):
    status, title, slug = 404, "No such order", "no-such-order"

    def __init__(self) -> None:
        super().__init__(
            "There is no such order, or it is not yours. A guest opens an order with "
            "its order_token, as a query parameter or in the header X-Order-Token."
        )


class InvalidTransitionError(ProblemError):
    """An order is in a status that does not allow what was asked."""

    status, title, slug = 409, "Too late, or too early", "invalid-transition"

    def __init__(self, order_id: object, status: str, wanted: str) -> None:
        super().__init__(f"Order {order_id} is {status}: it cannot be {wanted}.")


class KeyReusedError(ProblemError):
    """An Idempotency-Key that came before with another body."""

    status, title, slug = 422, "Idempotency-Key reused", "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came before with another body. Use a new key for a "
            "new order, and send a retry unchanged."
        )
