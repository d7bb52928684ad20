"""The body of `POST /api/orders/`: three forms of it, checked, as one NewOrder.

msgspec decodes and checks in one pass, which is most of why ordering is quick.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from orders.bodies import TEXT, Text, checked
from orders.errors import InvalidKeyError
from orders.pricing import MAX_QUANTITY, Item, NewOrder, in_items
from orders_project import skus
from orders_project.messaging.events import METHODS, Method
from orders_project.uuids import is_uuid

MAX_ITEMS = 50
MAX_TOKEN = 200
MAX_EMAIL = 254
MAX_PHONE = 40
#: What a field must be, in words, beside msgspec's own account of what it is.
HINTS = {
    "items": f'1 to {MAX_ITEMS} items, each {{"sku": .., "quantity": ..}} or a sku.',
    "items[]": f'{{"sku": .., "quantity": ..}} or a sku. {skus.WORDS}',
    "sku": skus.WORDS,
    "product_id": f"A sku, or a whole number that is one. {skus.WORDS}",
    "quantity": f"A whole number from 1 to {MAX_QUANTITY}.",
    "unit_cents": "The current price of one in minor units, a whole number.",
    "payment_token": f"The payment gateway's token: 1 to {MAX_TOKEN} characters of "
    "ASCII, none of them a space.",
    "method": f"{' or '.join(METHODS)}.",
    "priority": "normal or urgent.",
    "country": "Two capital letters of ISO 3166, such as US.",
    "email": f"An e-mail address of at most {MAX_EMAIL} characters, without spaces.",
    "phone": f"A telephone number: at most {MAX_PHONE} digits, spaces and ( ) . / -, "
    "with or without a + in front.",
    "reference": f"Your own number for the order. {TEXT}",
    **dict.fromkeys(
        ("orderId", "user", "user_id"),
        f"A label of your own. {TEXT} Or a whole number.",
    ),
}

# Nothing tells one such guest from another: they would get one another's orders.
FOR_STRANGERS = (
    "Of a guest without email and phone the key must be a UUID, which nobody else has. "
    "Use a UUID, or give an email address or a telephone number."
)

Label = Text | Annotated[int, Meta(ge=0, le=2**53)]
Sku = Annotated[str, Meta(max_length=skus.MAX_SKU, pattern=skus.PATTERN)]
Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]
Cents = Annotated[int, Meta(ge=0, lt=2**31)]
PaymentToken = Annotated[str, Meta(max_length=MAX_TOKEN, pattern=r"^[!-~]+\Z")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Email = Annotated[
    str, Meta(max_length=MAX_EMAIL, pattern=r"^([^@\s\x00]+@[^@\s\x00]+)?\Z")
]
Phone = Annotated[str, Meta(max_length=MAX_PHONE, pattern=r"^(\+?[0-9 ()./-]+)?\Z")]


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every form may carry. `orderId`, `user` and `user_id` are mere labels."""

    method: Method = "prepaid"
    payment_token: PaymentToken = "tok_ok"  # noqa: S105 - the simulated gateway's word
    country: Country = "US"
    email: Email = ""
    phone: Phone = ""
    priority: Literal["normal", "urgent"] = "normal"
    reference: Text = ""
    order_id: Label = msgspec.field(name="orderId", default="")
    user: Label = ""
    user_id: Label = ""


class ItemBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    sku: Sku
    quantity: Quantity = 1
    unit_cents: Cents | None = None


class OrderBody(Body, kw_only=True):
    """The usual form; an item may be a mere sku, of which one is meant."""

    items: Annotated[list[ItemBody | Sku], Meta(min_length=1, max_length=MAX_ITEMS)]

    def wanted(self) -> list[Item]:
        return [
            Item(sku=item)
            if isinstance(item, str)
            else Item(sku=item.sku, quantity=item.quantity, unit_cents=item.unit_cents)
            for item in self.items
        ]

    def name_of(self, position: int, field: str) -> str:
        is_mere = isinstance(self.items[position], str)
        return f"items[{position}]" if is_mere else in_items(position, field)


class ProductBody(Body, kw_only=True):
    """The short form: one product, so many of it."""

    product_id: Sku | Annotated[int, Meta(ge=0, le=2**53)]
    quantity: Quantity = 1

    def wanted(self) -> list[Item]:
        return [Item(sku=str(self.product_id), quantity=self.quantity)]

    def name_of(self, _position: int, field: str) -> str:
        return "product_id" if field == "sku" else field


class Glance(msgspec.Struct):
    """As much of a body as it takes to tell its form."""

    product_id: msgspec.Raw | UnsetType = UNSET


_glance = msgspec.json.Decoder(Glance)
_order = msgspec.json.Decoder(OrderBody)
_product = msgspec.json.Decoder(ProductBody)


def new_order(raw: bytes, *, customer_id: int | None, trace: str, key: str) -> NewOrder:
    """Return the order in a request's body.

    Raises InvalidBodyError or InvalidKeyError.
    """
    body = _decoded(raw)
    if key and not (customer_id or body.email or body.phone or is_uuid(key)):
        raise InvalidKeyError(FOR_STRANGERS)
    return NewOrder(
        items=body.wanted(),
        method=body.method,
        payment_token=body.payment_token,
        country=body.country,
        email=body.email,
        phone=body.phone,
        priority=body.priority,
        reference=body.reference or str(body.order_id),
        customer_ref=str(body.user) or str(body.user_id),
        customer_id=customer_id,
        trace=trace,
        key=key,
        name_of=body.name_of,
    )


def _decoded(raw: bytes) -> OrderBody | ProductBody:
    seen: Glance = checked(_glance, raw, HINTS)
    form = _order if seen.product_id is UNSET else _product
    body: OrderBody | ProductBody = checked(form, raw, HINTS)
    return body
