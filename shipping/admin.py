"""Shipments for the eyes: nothing here can be edited."""

from django.contrib import admin

from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.panels import Rows, panel
from shipping.lifecycle import OPEN, SHIPMENT
from shipping.models import Shipment


@admin.register(Shipment)
class ShipmentAdmin(ReadOnly, Growing):
    list_display = ("order_id", "status", "carrier", "tracking", "country", "updated")
    list_filter = (one_of("status", lambda: SHIPMENT, is_open=OPEN),)
    search_help_text = "The whole id of an order"
    ordering = ("-order_id",)


@panel("Shipment")
def shipment_panel(order_id: str) -> Rows:
    """Return what the order's page shows of its parcel."""
    return [
        row
        for shipment in Shipment.objects.filter(pk=order_id)
        for row in _rows(shipment)
    ]


def _rows(shipment: Shipment) -> Rows:
    rows = [
        ("Status", shipment.status),
        ("Carrier", shipment.carrier),
        ("Tracking", shipment.tracking),
        ("Country", shipment.country),
        ("Last change", f"{shipment.updated:%Y-%m-%d %H:%M:%S}"),
    ]
    return [(label, value) for label, value in rows if value]
