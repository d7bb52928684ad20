"""Leave room in each page, so that an update finds a place beside its old version."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shipping", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE shipping_shipment SET (fillfactor = 50)",
            "ALTER TABLE shipping_shipment RESET (fillfactor)",
        ),
    ]
