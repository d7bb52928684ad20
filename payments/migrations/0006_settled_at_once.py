"""Captured money is ours at once: no status between.

What was captured and not yet said to be ours is captured again, under the same key,
which takes nothing twice. Django cannot change what a generated column is made of, so
it is made anew, which writes the table once.
"""

from django.db import migrations, models

# With the lock that the rest takes anyway: a worker that still runs would wait for a row
# of ours, and we for its table.
BACK_TO_AUTHORISED = """
    LOCK TABLE payments_payment IN ACCESS EXCLUSIVE MODE;
    UPDATE payments_payment
    SET status = 'authorised', updated = statement_timestamp(), tried = NULL, sweeps = 0
    WHERE is_open AND status = 'captured'
"""
OPEN = ("opened", "authorised", "accepted", "due", "voiding")
ENDED = ("settled", "collected", "failed", "cancelled")


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_tries_of_sweeps")]

    operations = [
        migrations.RunSQL(BACK_TO_AUTHORISED, migrations.RunSQL.noop),
        migrations.RemoveConstraint("payment", "payment_status"),
        migrations.RemoveIndex("payment", "open_payments"),
        migrations.RemoveField("payment", "is_open"),
        migrations.AddField(
            "payment", "is_open", models.GeneratedField(
                expression=models.Q(status__in=OPEN),
                output_field=models.BooleanField(),
                db_persist=True,
            )
        ),
        migrations.AddIndex(
            "payment", models.Index(
                fields=["order_id"],
                condition=models.Q(is_open=True),
                name="open_payments",
            )
        ),
        migrations.AddConstraint(
            "payment", models.CheckConstraint(
                condition=models.Q(status__in=sorted((*OPEN, *ENDED))),
                name="payment_status",
            )
        ),
    ]
