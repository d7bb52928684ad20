"""A parcel is prepared as soon as the carrier has booked it: no status between.

What was only booked is booked again, under the same number. Django cannot change
what a generated column is made of, so it is made anew, which writes the table once.
"""

from django.db import migrations, models

# With the lock that the rest takes anyway: a worker that still runs would wait for a row
# of ours, and we for its table.
BACK_TO_OPENED = """
    LOCK TABLE shipping_shipment IN ACCESS EXCLUSIVE MODE;
    UPDATE shipping_shipment
    SET status = 'opened', updated = statement_timestamp(), tried = NULL, sweeps = 0
    WHERE status = 'booked'
"""
OPEN = ("opened", "prepared", "released", "in_transit")


class Migration(migrations.Migration):
    dependencies = [("shipping", "0004_tries_of_sweeps")]

    operations = [
        migrations.RunSQL(BACK_TO_OPENED, migrations.RunSQL.noop),
        migrations.RemoveConstraint("shipment", "shipment_status"),
        migrations.RemoveIndex("shipment", "open_shipments"),
        migrations.RemoveField("shipment", "is_open"),
        migrations.AddField(
            "shipment", "is_open", models.GeneratedField(
                expression=models.Q(status__in=OPEN),
                output_field=models.BooleanField(),
                db_persist=True,
            )
        ),
        migrations.AddIndex(
            "shipment", models.Index(
                fields=["order_id"],
                condition=models.Q(is_open=True),
                name="open_shipments",
            )
        ),
        migrations.AddConstraint(
            "shipment", models.CheckConstraint(
                condition=models.Q(status__in=sorted((*OPEN, "cancelled", "delivered"))),
                name="shipment_status",
            )
        ),
    ]
