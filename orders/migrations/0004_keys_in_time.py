from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    """A BRIN index never gets narrower: what is pruned by it is looked for in all."""

    atomic = False

    dependencies = [
        ('orders', '0003_orders_by_email'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='idempotencykey',
            index=models.Index(fields=['created_at'], name='keys_in_time'),
        ),
        RemoveIndexConcurrently(model_name='idempotencykey', name='keys_by_time'),
    ]
