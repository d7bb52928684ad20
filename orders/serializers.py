"""What clients read, and the account of it in OpenAPI.

An order to place is checked by intake.py, which docs.py describes.
"""

from rest_framework import serializers

from orders.bodies import MAX_PASSWORD, MAX_TEXT
from orders.models import Order, OrderLine, Product


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


class LoginRequest(serializers.Serializer[object]):
    username = serializers.CharField(max_length=MAX_TEXT)
    password = serializers.CharField(max_length=MAX_PASSWORD)


class LoginAnswer(serializers.Serializer[object]):
    token = serializers.CharField(help_text="Send it as: Authorization: Token <token>")
    expiry = serializers.DateTimeField()


class BalanceSerializer(serializers.Serializer[object]):
    """The gateway's own books; `changed` is when the last entry was made."""

    authorised_cents = serializers.IntegerField()
    captured_cents = serializers.IntegerField()
    refunded_cents = serializers.IntegerField()
    closed = serializers.BooleanField(help_text="By a void.")
    reference = serializers.CharField(help_text="The gateway's name for it.")
    changed = serializers.DateTimeField(allow_null=True)


class PaymentSerializer(serializers.Serializer[object]):
    """What we know of an order's payment, all null where none was opened."""

    order_id = serializers.UUIDField()
    status = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    method = serializers.CharField(allow_null=True)
    amount_cents = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    refund = serializers.CharField(
        allow_null=True, help_text="The status of its refund, null where there is none."
    )
    gateway = BalanceSerializer()


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
