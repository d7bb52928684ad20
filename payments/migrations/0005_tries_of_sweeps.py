"""A sweep notes its tries beside `updated`, which then tells when a status moved.

Columns of which no row is written: instant on a table of any size, and code from before
leaves them as they are. Each table in a transaction of its own: workers lock both, in
either order, and none can stand in a circle with us. It may be run again.
"""

from django.db import migrations, models


def tries(model):
    table = f"payments_{model}"
    tried = models.DateTimeField(
        null=True, help_text="when it was last helped on since then"
    )
    sweeps = models.SmallIntegerField(
        db_default=0, help_text="how often since its status moved"
    )
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS tried timestamptz,"
        " ADD COLUMN IF NOT EXISTS sweeps smallint NOT NULL DEFAULT 0",
        f"ALTER TABLE {table} DROP COLUMN IF EXISTS tried,"
        " DROP COLUMN IF EXISTS sweeps",
        state_operations=[
            migrations.AddField(model, "tried", tried),
            migrations.AddField(model, "sweeps", sweeps),
        ],
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0004_gateway_entries_by_time")]
    operations = [tries("payment"), tries("refund")]
