from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of what is not said of every order. Beside it records are written."""

    # Outside a transaction: PostgreSQL wants it so.
    atomic = False
    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        # What an interrupted migration left is no use to anybody, and in our way.
        migrations.RunSQL(
            'DROP INDEX CONCURRENTLY IF EXISTS unusual_records',
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name='auditrecord',
            index=models.Index(condition=models.Q(('type__in', ('inventory.committed', 'inventory.reserved', 'order.completed', 'order.created', 'order.paid', 'order.shipped', 'payment.success', 'shipping.delivered', 'shipping.prepared')), _negated=True), fields=['type', 'event_id'], name='unusual_records'),
        ),
    ]
