"""A sweep notes its tries beside `updated`, which then tells when a status moved.

Two columns of which no row is written: instant on a table of any size. Code from before
leaves them as they are.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shipping", "0003_carrier_books")]

    operations = [
        migrations.AddField(
            "shipment", "tried", models.DateTimeField(
                null=True, help_text="when it was last helped on since then"
            )
        ),
        migrations.AddField(
            "shipment", "sweeps", models.SmallIntegerField(
                db_default=0, help_text="how often since its status moved"
            )
        ),
    ]
