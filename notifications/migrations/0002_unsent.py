from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of what failed. Beside it mails go on; code from before works with it."""

    # Outside a transaction: PostgreSQL wants it so.
    atomic = False
    dependencies = [
        ('notifications', '0001_initial'),
    ]

    operations = [
        # What an interrupted migration left is no use to anybody, and in our way.
        migrations.RunSQL(
            'DROP INDEX CONCURRENTLY IF EXISTS notification_unsent',
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name='notification',
            index=models.Index(condition=models.Q(('status__in', ('failed', 'sending'))), fields=['status', 'id'], name='notification_unsent'),
        ),
    ]
