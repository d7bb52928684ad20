"""What this app refuses, in words that a client can act on."""

from collections.abc import Sequence

from orders_project import skus
from orders_project.errors import FieldError, ProblemError


class InvalidBodyError(ProblemError):
    """A request's body that is not what the page /api/docs/ says."""

    status, title, slug = 400, "Invalid request", "invalid-request"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("Nothing was stored. /api/docs/ shows what is valid.", errors)


class UnknownParameterError(ProblemError):
    """A parameter in a list's address that nothing reads."""

    status, title, slug = 400, "Unknown parameter", "invalid-request"

    def __init__(self, names: Sequence[str], known: Sequence[str]) -> None:
        detail = f"There is no such parameter. Known are {', '.join(known)}."
        super().__init__(
            "The list was not narrowed by it, so it is not shown.",
            [FieldError(field=name, detail=detail) for name in names],
        )


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


class InvalidSkuError(ProblemError):
    """Products that would be listed, and that no order could name."""

    status, title, slug = 400, "Invalid sku", "invalid-sku"

    def __init__(self, wrong: Sequence[str]) -> None:
        super().__init__(
            f"No product was loaded. {skus.WORDS} Correct these: "
            + ", ".join(repr(sku) for sku in wrong),
            [FieldError(field="sku", detail=skus.WORDS)],
        )


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


class MayNotChangeError(ProblemError):
    """Told to those alone who may view every order: to others it does not exist."""

    status, title, slug = 403, "Not allowed", "not-allowed"

    def __init__(self) -> None:
        super().__init__(
            "You may view this order. To cancel it or to confirm its delivery your "
            "login needs the permission orders.change_order."
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


class InvalidKeyError(ProblemError):
    status, title, slug = 400, "Invalid Idempotency-Key", "invalid-request"

    def __init__(self, wrong: str) -> None:
        super().__init__(
            "Nothing was stored.", [FieldError(field="Idempotency-Key", detail=wrong)]
        )


class UnansweredPaymentError(ProblemError):
    """Only the question failed: the payment itself goes on."""

    status, title, slug = 504, "Payments did not answer", "unanswered"

    def __init__(self) -> None:
        super().__init__(
            "The payment's state could not be learned in time. The order itself goes "
            "on; try again later."
        )


class BacklogError(ProblemError):
    """RabbitMQ, or the relay, has been away for so long that the outbox is full."""

    status, title, slug = 503, "Too much is waiting", "backlog"
    headers = {"Retry-After": "30"}

    def __init__(self) -> None:
        super().__init__(
            "New orders are not taken until those before them are on their way. This "
            "request stored nothing; with an Idempotency-Key a retry is safe."
        )


class WrongLoginError(ProblemError):
    status, title, slug = 401, "Wrong login", "wrong-login"
    headers = {"WWW-Authenticate": "Token"}

    def __init__(self) -> None:
        super().__init__("There is no such user, or the password is another one.")


class LockedOutError(ProblemError):
    """Too many wrong passwords; also the right one is refused for some time."""

    status, title, slug = 429, "Locked out", "locked-out"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong passwords. Try again in {seconds} seconds.")
        self.headers = {"Retry-After": str(seconds)}
