from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    """A BRIN index never gets narrower: what is pruned by it is looked for in all."""

    atomic = False

    dependencies = [
        ('messaging', '0006_parcels_in_turn'),
    ]

    operations = [
        RemoveIndexConcurrently(model_name='inbox', name='inbox_by_time'),
        AddIndexConcurrently(
            model_name='nudge',
            index=models.Index(fields=['at'], name='nudges_in_time'),
        ),
        RemoveIndexConcurrently(model_name='nudge', name='nudges_by_time'),
    ]
