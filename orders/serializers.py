"""What clients read, and the account of it in OpenAPI.

Requests are checked by intake.py; `OrderRequest` only describes them, and a test
compares the two.
"""

from rest_framework import serializers

from orders.intake import MAX_ITEMS
from orders.models import PRIORITIES, Order, OrderLine, Product
from orders.pricing import MAX_QUANTITY
from orders_project.messaging.events import METHODS


class ProductSerializer(serializers.ModelSerializer[Product]):
    class Meta:
        model = Product
        fields = ("sku", "name", "category", "sub_category", "unit_cents", "currency")


class LineSerializer(serializers.ModelSerializer[OrderLine]):
    class Meta:
        model = OrderLine
        fields = ("sku", "name", "quantity", "unit_cents")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order; times are null until they come. `reason` says why it was cancelled."""

    lines = LineSerializer(source="content", many=True)

    class Meta:
        model = Order
        fields = (
            "id",
            "reference",
            "status",
            "reason",
            "method",
            "priority",
            "country",
            "currency",
            "total_cents",
            "lines",
            "created_at",
            "paid_at",
            "shipped_at",
            "delivered_at",
            "completed_at",
            "cancelled_at",
        )
        read_only_fields = fields


class PlacedOrderSerializer(OrderSerializer):
    """The answer to an order that was placed."""

    order_token = serializers.CharField(
        required=False,
        help_text="For guests only: the secret that alone opens this order.",
    )

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "order_token")  # type: ignore[assignment]


class ItemRequest(serializers.Serializer[object]):
    sku = serializers.CharField(max_length=100)
    quantity = serializers.IntegerField(
        min_value=1, max_value=MAX_QUANTITY, required=False, default=1
    )
    unit_cents = serializers.IntegerField(
        required=False, help_text="The price that you show: a check, answered by 409."
    )


class OrderRequest(serializers.Serializer[object]):
    """An order to place, in its usual form; the examples show two shorter ones.

    Beside these fields `orderId`, `user` and `user_id` are taken, as labels of your
    own, and `product_id` with `quantity` in place of `items`. Any other is refused.
    """

    items = serializers.ListField(
        child=ItemRequest(), min_length=1, max_length=MAX_ITEMS
    )
    method = serializers.ChoiceField(METHODS, required=False, default="prepaid")
    payment_token = serializers.CharField(
        required=False, default="tok_ok", help_text="The payment gateway's token."
    )
    country = serializers.CharField(
        required=False, default="US", help_text="ISO 3166 alpha-2."
    )
    email = serializers.EmailField(required=False)
    phone = serializers.CharField(required=False)
    priority = serializers.ChoiceField([*PRIORITIES], required=False, default="normal")
    reference = serializers.CharField(
        required=False, help_text="Your own number for the order."
    )


class LoginRequest(serializers.Serializer[object]):
    username = serializers.CharField()
    password = serializers.CharField()


class LoginAnswer(serializers.Serializer[object]):
    token = serializers.CharField(help_text="Send it as: Authorization: Token <token>")
    expiry = serializers.DateTimeField()


class EventSerializer(serializers.Serializer[object]):
    """An event of the order's log; `cause` is the id of the one that led to it.

    `nudged` is none: there its events, or a chain of its, were sent again.
    """

    id = serializers.UUIDField()
    type = serializers.CharField()
    time = serializers.DateTimeField()
    cause = serializers.UUIDField(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]


class FieldErrorSerializer(serializers.Serializer[object]):
    field = serializers.CharField(help_text="For example items[0].quantity")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[object]):
    """What went wrong, as RFC 9457 has it (application/problem+json)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]
