"""Leave room in each page, so that an update finds a place beside its old version."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE orders_order SET (fillfactor = 50)",
            "ALTER TABLE orders_order RESET (fillfactor)",
        ),
    ]
