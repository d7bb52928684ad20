import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models.functions import Now

KEEP = """
    UPDATE messaging_parcel SET event_ids = ARRAY[event_id] WHERE event_id IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0003_dead_letter_desk'),
    ]

    operations = [
        migrations.AddField(
            model_name='parcel',
            name='event_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True, size=None),
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name='parcel',
            name='event',
        ),
        migrations.AlterField(
            model_name='inbox',
            name='handled',
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.AddIndex(
            model_name='inbox',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['handled'], name='inbox_by_time'),
        ),
    ]
