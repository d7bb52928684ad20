"""Payments for the eyes: nothing here can be edited."""

from django.contrib import admin

from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.messaging.events import METHODS
from orders_project.money import money
from orders_project.panels import Rows, panel
from payments.lifecycle import OPEN, PAYMENT, REFUND
from payments.models import GatewayEntry, Payment, Refund

#: States of gateway entries of which ten thousand are found soon; no index has them.
FREQUENT = ("authorised", "captured", "refunded", "declined")


@admin.register(Payment)
class PaymentAdmin(ReadOnly, Growing):
    list_display = (
        "order_id",
        "status",
        "reason",
        "method",
        "amount",
        "country",
        "updated",
    )
    list_filter = (
        one_of("status", lambda: PAYMENT, is_open=OPEN),
        one_of("method", lambda: METHODS),
    )
    search_help_text = "The whole id of an order"
    ordering = ("-order_id",)
    exclude = ("token",)

    @admin.display(ordering="amount_cents")
    def amount(self, payment: Payment) -> str:
        return _money(payment.amount_cents, payment.currency)


@admin.register(Refund)
class RefundAdmin(ReadOnly, Growing):
    list_display = ("order_id", "status", "attempt", "created", "updated")
    list_filter = (one_of("status", lambda: REFUND),)
    search_help_text = "The whole id of an order"
    ordering = ("-order_id",)


@admin.register(GatewayEntry)
class GatewayEntryAdmin(ReadOnly, Growing):
    list_display = ("order_id", "operation", "state", "reason", "amount", "at")
    list_filter = (one_of("state", lambda: FREQUENT),)
    search_help_text = "The whole id of an order"
    ordering = ("-key",)

    @admin.display(ordering="amount_cents")
    def amount(self, entry: GatewayEntry) -> str:
        return _money(entry.amount_cents, entry.currency)


@panel("Payment")
def payment_panel(order_id: str) -> Rows:
    """Return what the order's page shows of its payment, refund and gateway entries."""
    payments = Payment.objects.filter(pk=order_id)
    refunds = Refund.objects.filter(pk=order_id)
    entries = GatewayEntry.objects.filter(order_id=order_id).order_by("at")
    return [
        *(row for payment in payments for row in _payment_rows(payment)),
        *(("Refund", refund.status) for refund in refunds),
        *((f"Gateway: {entry.operation}", _entry(entry)) for entry in entries),
    ]


def _payment_rows(payment: Payment) -> Rows:
    rows = [
        ("Status", payment.status),
        ("Reason", payment.reason),
        ("Method", payment.method),
        ("Amount", _money(payment.amount_cents, payment.currency)),
        ("Gateway reference", payment.reference),
        ("Last change", f"{payment.updated:%Y-%m-%d %H:%M:%S}"),
    ]
    return [(label, value) for label, value in rows if value]


def _entry(entry: GatewayEntry) -> str:
    amount = _money(entry.amount_cents, entry.currency)
    return " ".join(filter(None, (entry.state, amount, entry.reason)))


def _money(cents: int, currency: str) -> str:
    # A tombstone has neither.
    return money(cents, currency) if currency else ""
