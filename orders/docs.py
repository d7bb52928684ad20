"""What the OpenAPI page says of each view: answers, problems, and real examples."""

from typing import Any

import msgspec
from django.conf import settings
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)

from orders.intake import HINTS, OrderBody, ProductBody
from orders.serializers import (
    EventSerializer,
    LoginAnswer,
    LoginRequest,
    OrderSerializer,
    PaymentSerializer,
    PlacedOrderSerializer,
    ProblemSerializer,
    ProductSerializer,
)

#: Who may call: OpenAPI's security requirements, where the empty one is anybody.
ANYBODY: Any = [{}]
ANYBODY_OR_LOGIN: Any = [{}, {"knoxApiToken": []}, {"cookieAuth": []}]
PROBLEM_JSON = "application/problem+json"


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "orders_project.authentication.TokenAuthentication"


class OrderRequest:
    """Either form of an order to place, described by the Structs that check it."""


class OrderForms(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = OrderRequest

    def get_name(self, *_args: object) -> str:
        return OrderRequest.__name__

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:  # noqa: ARG002 - spectacular's
        forms, schemas = msgspec.json.schema_components(
            [OrderBody, ProductBody], ref_template="#/components/schemas/{name}"
        )
        for name, schema in schemas.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name, ResolvedComponent.SCHEMA, _worded(schema), object=name
            )
            auto_schema.registry.register_on_missing(component)
        return {"oneOf": [*forms]}


def _worded(schema: Any) -> Any:
    for name, field in schema["properties"].items():
        field["description"] = HINTS[name]
        if "enum" in field:
            # What gives enums a name of their own looks for it, and msgspec omits it.
            field["type"] = "string"
    return _for_javascript(schema)


def _for_javascript(schema: Any) -> Any:
    r"""Rewrite the patterns: to JavaScript, whose they are here, \Z is the letter Z."""
    return msgspec.json.decode(msgspec.json.encode(schema).replace(rb"\\Z", b"$"))


def problems(**reasons: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Name the problems of a view: `_409="It was shipped."`."""
    return {
        (int(status.lstrip("_")), PROBLEM_JSON): OpenApiResponse(
            ProblemSerializer, description=reason
        )
        for status, reason in reasons.items()
    }


INVALID_TOKEN = {"_401": "The login's token is not valid: leave it out, or log in."}
CSRF = {"_403": "A session's cookie without its CSRF token."}
LIST = {
    "_400": "A parameter is unknown or wrong; `errors` names it.",
    "_404": "No such page: follow `next` and `previous` as they were given.",
}
GONE = {"_503": "The database did not answer; nothing is promised. Try again."}
FULL = {
    "_503": "The database did not answer, and nothing is promised; or too much waits "
    "for the broker, and nothing was stored. With an Idempotency-Key a retry is safe."
}
HIDDEN = {"_404": "No such order, or not yours."} | INVALID_TOKEN
#: Where one needs more than to see the order.
CHANGES = {"_403": "You may view orders, but lack orders.change_order."} | HIDDEN
ORDER_TOKEN = [
    OpenApiParameter("order_token", str, description="A guest's secret."),
    OpenApiParameter(
        "X-Order-Token",
        str,
        OpenApiParameter.HEADER,
        description="The same, where it shall not be in a log.",
    ),
]
RETRY_AFTER = OpenApiParameter(
    "Retry-After",
    int,
    OpenApiParameter.HEADER,
    required=True,
    description="In how many seconds to try again.",
    response=[429, 503],
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 255 characters, in double quotes or without. A retry with "
    "the same key and body gets the same answer, with the header Idempotent-Replayed; "
    f"another body gets 422. Keys are kept for {settings.RETENTION_DAYS} days "
    "(`RETENTION_DAYS`). A guest who gives neither email nor phone must use a UUID: "
    "who they are is not known.",
)
PLACED_HEADERS = [
    OpenApiParameter(
        "Location",
        OpenApiTypes.URI_REF,
        OpenApiParameter.HEADER,
        required=True,
        description="The order's own page.",
        response=[201],
    ),
    OpenApiParameter(
        "Idempotent-Replayed",
        str,
        OpenApiParameter.HEADER,
        enum=["true"],
        description="There if the key came before: this is the first try's answer.",
        response=[201],
    ),
]
EXAMPLES = [
    OpenApiExample(
        "An order",
        request_only=True,
        value={
            "items": [
                {"sku": "OFF-PA-10000174", "quantity": 2, "unit_cents": 1028},
                {"sku": "OFF-LA-10003223", "quantity": 3},
            ],
            "method": "prepaid",
            "payment_token": "tok_ok",
            "country": "US",
            "email": "dana@example.org",
            "reference": "CA-2014-103800",
        },
    ),
    OpenApiExample(
        "Mere skus, one of each",
        request_only=True,
        value={"orderId": "123", "user": "gayal", "items": ["item1", "item2"]},
    ),
    OpenApiExample(
        "One product",
        request_only=True,
        value={"product_id": 1, "quantity": 2, "user_id": 100},
    ),
]

ORDERS = extend_schema_view(
    get=extend_schema(
        operation_id="list_orders",
        summary="List your orders",
        parameters=[RETRY_AFTER],
        responses={200: OrderSerializer(many=True)}
        | problems(_401="Log in, to see your orders.", **LIST, **GONE),
    ),
    post=extend_schema(
        operation_id="place_order",
        summary="Place an order",
        description="Prices come from the catalogue. A guest's answer carries an "
        "`order_token`: keep it, it alone opens the order.",
        parameters=[IDEMPOTENCY_KEY, *PLACED_HEADERS, RETRY_AFTER],
        request=OrderRequest,
        examples=EXAMPLES,
        auth=ANYBODY_OR_LOGIN,
        responses={201: PlacedOrderSerializer}
        | problems(
            _400="A field, or the Idempotency-Key, is wrong; `errors` names it.",
            _401="Guests may not order here; or the login's token is not valid.",
            _409="A price is not the current one.",
            _413="The body is too large.",
            _415="The body is not JSON by its Content-Type.",
            _422="The Idempotency-Key came before with another body.",
            **CSRF,
            **FULL,
        ),
    ),
)
ORDER = extend_schema_view(
    get=extend_schema(
        operation_id="get_order",
        summary="Look at an order",
        parameters=[*ORDER_TOKEN, RETRY_AFTER],
        responses={200: OrderSerializer} | problems(**HIDDEN, **GONE),
    )
)
CANCEL = extend_schema_view(
    post=extend_schema(
        operation_id="cancel_order",
        summary="Cancel an order that was not shipped",
        description="Money that was taken is paid back. Twice gives the same answer. "
        "Of an order that is not yours it takes the permission `orders.change_order`, "
        "and its `reason` is then `staff`.",
        parameters=[*ORDER_TOKEN, RETRY_AFTER],
        request=None,
        responses={200: OrderSerializer}
        | problems(_409="It was shipped already.", **CHANGES, **GONE),
    )
)
CONFIRM_DELIVERY = extend_schema_view(
    post=extend_schema(
        operation_id="confirm_delivery",
        summary="Say that the parcel is there",
        description="A carrier's tracking calls it with the token of a login that has "
        "the permission `orders.change_order`.",
        parameters=[*ORDER_TOKEN, RETRY_AFTER],
        request=None,
        responses={202: OrderSerializer}
        | problems(_409="It is not on its way.", **CHANGES, **GONE),
    )
)
PAYMENT = extend_schema_view(
    get=extend_schema(
        operation_id="get_payment",
        summary="Ask the payment gateway about an order",
        parameters=[*ORDER_TOKEN, RETRY_AFTER],
        responses={200: PaymentSerializer}
        | problems(_504="Payments did not answer in time.", **HIDDEN, **GONE),
    )
)
TIMELINE = extend_schema_view(
    get=extend_schema(
        operation_id="get_timeline",
        summary="See everything that happened to an order",
        parameters=[*ORDER_TOKEN, RETRY_AFTER],
        responses={200: EventSerializer(many=True)} | problems(**HIDDEN, **GONE),
    )
)
PRODUCTS = extend_schema_view(
    get=extend_schema(
        operation_id="list_products",
        summary="List what can be ordered",
        parameters=[RETRY_AFTER],
        auth=ANYBODY,
        responses={200: ProductSerializer(many=True)}
        | problems(**LIST, **INVALID_TOKEN, **GONE),
    )
)
LOGIN = extend_schema_view(
    post=extend_schema(
        operation_id="login",
        summary="Get a token",
        parameters=[RETRY_AFTER],
        request=LoginRequest,
        auth=ANYBODY,
        responses={200: LoginAnswer}
        | problems(
            _400="A field is wrong; `errors` names it.",
            _401="Wrong name or password.",
            _413="The body is too large.",
            _415="The body is not JSON by its Content-Type.",
            _429="Too many wrong ones.",
            **GONE,
        ),
    )
)
LOGOUT = extend_schema_view(
    post=extend_schema(
        operation_id="logout",
        summary="Forget this token",
        parameters=[RETRY_AFTER],
        request=None,
        responses={204: None} | problems(_401="No valid token.", **GONE),
    )
)
LOGOUT_ALL = extend_schema_view(
    post=extend_schema(
        operation_id="logout_all",
        summary="Forget every token of this login",
        parameters=[RETRY_AFTER],
        request=None,
        responses={204: None} | problems(_401="No valid token.", **GONE),
    )
)
