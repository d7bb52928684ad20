"""Leave room in each page, so that an update finds a place beside its old version."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE payments_payment SET (fillfactor = 50)",
            "ALTER TABLE payments_payment RESET (fillfactor)",
        ),
    ]
