"""The HTTP side of orders and of the catalogue: parse, call, render."""

import logging
import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders import docs, intake, selectors, services, tokens, tracing
from orders.bodies import JSONBytes, body_of
from orders.errors import BacklogError, InvalidKeyError, UnansweredPaymentError
from orders.filters import BySku, KnownParameters, NewestFirst, OrderFilter, Search
from orders.models import Order, Product
from orders.serializers import (
    EventSerializer,
    OrderSerializer,
    ProductSerializer,
)
from orders.services.placing import Placed
from orders_project.messaging import backlog, rpc
from orders_project.messaging.crash import crash_point
from orders_project.messaging.errors import UnansweredError
from orders_project.messaging.events import PaymentAsked
from orders_project.messaging.topology import PAYMENT_RPC_QUEUE

logger = logging.getLogger(__name__)

PAYMENT_TIMEOUT_SECONDS = 3
#: Made once: to build a serializer's fields costs more than to render an order.
PLACED = OrderSerializer()
#: Else a cache in front may keep an order for who asks next without the order_token:
#: nothing tells it that X-Order-Token is a secret, as Authorization does.
UNCACHED = method_decorator(never_cache, name="dispatch")
MAX_KEY = 255
KEY_FORM = (
    f"1 to {MAX_KEY} printable characters, not all of them spaces; a UUID is a good "
    "key. Leave the header out to order without one."
)
#: The header's draft at the IETF has the key as a string of RFC 9651, with its quotes.
QUOTED = re.compile(r'"(.*)"')


class MayOrder(IsAuthenticated):
    """A login, or with GUEST_CHECKOUT anybody who places an order."""

    def has_permission(self, request: Request, view: Any) -> bool:
        guests = request.method == "POST" and settings.GUEST_CHECKOUT
        return bool(guests) or super().has_permission(request, view)


@docs.ORDERS
@UNCACHED
class OrdersView(ListAPIView[Order]):
    """Place an order, or list those that you may see."""

    permission_classes = (MayOrder,)
    parser_classes = (JSONBytes,)
    serializer_class = OrderSerializer
    pagination_class = NewestFirst
    filter_backends = (KnownParameters, DjangoFilterBackend)
    filterset_class = OrderFilter
    parameters = tuple(OrderFilter.base_filters)

    def get_queryset(self) -> QuerySet[Order]:
        return selectors.visible_orders(self.request.user)

    def post(self, request: Request) -> Response:
        if backlog.is_full():
            raise BacklogError
        wanted = intake.new_order(
            body_of(request),
            customer_id=request.user.pk,
            trace=tracing.traceparent(request.headers.get("traceparent", "")),
            key=_key(request),
        )
        placed = services.place_together(wanted)
        crash_point("placing: committed, not answered")
        return _placed(placed)


def _key(request: Request) -> str:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if quoted := QUOTED.fullmatch(key):
        key = quoted[1]
    # An empty one taken for none would leave a client's retries unprotected, unsaid.
    if not key.strip() or len(key) > MAX_KEY or not key.isprintable():
        raise InvalidKeyError(KEY_FORM)
    return key


def _placed(placed: Placed) -> Response:
    # A retry gets what the first try got, however far the order has come since.
    order = placed.order.as_placed()
    body = PLACED.to_representation(order)
    if order.customer_id is None:
        body["order_token"] = tokens.make(order.id)
    headers = {"Location": reverse("order", args=[order.id])}
    if placed.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(body, status=201, headers=headers)


@UNCACHED
class OneOrder(APIView):
    """A page about one order. Whom it is for is the selectors' to say: else 404."""

    permission_classes = (AllowAny,)
    parser_classes = (JSONBytes,)

    def order(self, request: Request, order_id: UUID) -> Order:
        return selectors.order_seen_by(request.user, order_id, _token(request))

    def asker(self, request: Request, order_id: UUID) -> str:
        return selectors.asker(request.user, order_id, _token(request))


def _token(request: Request) -> str:
    header: str = request.headers.get("X-Order-Token", "")
    return request.query_params.get("order_token") or header


@docs.ORDER
class OrderView(OneOrder):
    def get(self, request: Request, order_id: UUID) -> Response:
        return Response(OrderSerializer(self.order(request, order_id)).data)


@docs.CANCEL
class CancelView(OneOrder):
    def post(self, request: Request, order_id: UUID) -> Response:
        reason = self.asker(request, order_id)
        cancelled = services.cancel_order(order_id, reason=reason)
        return Response(OrderSerializer(cancelled).data)


@docs.CONFIRM_DELIVERY
class ConfirmDeliveryView(OneOrder):
    def post(self, request: Request, order_id: UUID) -> Response:
        self.asker(request, order_id)
        order = services.confirm_delivery(order_id)
        return Response(OrderSerializer(order).data, status=202)


@docs.PAYMENT
class PaymentView(OneOrder):
    def get(self, request: Request, order_id: UUID) -> Response:
        question = PaymentAsked(order_id=str(self.order(request, order_id).id))
        try:
            answer = rpc.ask(
                PAYMENT_RPC_QUEUE, question, timeout=PAYMENT_TIMEOUT_SECONDS
            )
        except UnansweredError as error:
            logger.warning("Answered 504: %s", error)
            raise UnansweredPaymentError from error
        return Response(answer)


@docs.TIMELINE
class TimelineView(OneOrder):
    def get(self, request: Request, order_id: UUID) -> Response:
        order = self.order(request, order_id)
        is_staff = request.user.has_perm(selectors.VIEW)
        events = selectors.timeline(order.id, for_staff=is_staff)
        return Response(EventSerializer(events, many=True).data)


@docs.PRODUCTS
class ProductsView(ListAPIView[Product]):
    """The catalogue, for everybody."""

    permission_classes = (AllowAny,)
    serializer_class = ProductSerializer
    pagination_class = BySku
    filter_backends = (KnownParameters, Search)
    parameters = (Search.search_param,)
    search_fields = ("sku", "name", "category")
    queryset = Product.objects.filter(active=True)
