"""Shipments for the eyes: nothing here can be edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders_project.panels import panel
from shipping.models import Shipment


@admin.register(Shipment)
class ShipmentAdmin(admin.ModelAdmin):
    list_display = ("order_id", "status", "carrier", "tracking", "country", "updated")
    list_filter = ("status", "carrier", "country")
    search_fields = ("=order_id", "=tracking")
    ordering = ("-order_id",)
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


@panel("Shipment")
def shipment_panel(order_id: str) -> list[tuple[str, str]]:
    """Return what the order's page shows of its parcel."""
    return [
        row
        for shipment in Shipment.objects.filter(pk=order_id)
        for row in _rows(shipment)
    ]


def _rows(shipment: Shipment) -> list[tuple[str, str]]:
    rows = [
        ("Status", shipment.status),
        ("Carrier", shipment.carrier),
        ("Tracking", shipment.tracking),
        ("Country", shipment.country),
        ("Last change", f"{shipment.updated:%Y-%m-%d %H:%M:%S}"),
    ]
    return [(label, value) for label, value in rows if value]
