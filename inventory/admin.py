"""Stock and reservations in the admin, to read."""

from django.contrib import admin

from inventory import selectors
from inventory.lifecycle import COMMITTED, RELEASED
from inventory.models import Reservation, StockItem
from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.panels import panel


@admin.register(StockItem)
class StockItemAdmin(ReadOnly):
    list_display = ("sku", "on_hand", "reserved", "available", "sold", "received")
    search_fields = ("sku",)

    @admin.display
    def available(self, item: StockItem) -> int:
        on_hand: int = item.on_hand
        return on_hand - item.reserved


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, Growing):
    list_display = ("order_id", "status", "made")
    # Of the others ten thousand are not found soon, since no index has them.
    list_filter = (one_of("status", lambda: (COMMITTED, RELEASED)),)
    search_help_text = "The whole id of an order"


@panel("Stock")
def stock_panel(order_id: str) -> list[tuple[str, str]]:
    """Show what an order holds, or held."""
    return selectors.reservation_rows(order_id)
