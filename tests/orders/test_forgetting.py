from datetime import timedelta

import pytest
from django.utils import timezone

from orders import tasks
from orders.models import IdempotencyKey
from orders_project.messaging.events import new_id

pytestmark = pytest.mark.django_db


def test_keys_are_forgotten_when_retention_no_longer_needs_them(settings):
    settings.RETENTION_DAYS = 7
    for days in (6, 8):
        IdempotencyKey.objects.create(
            owner="guest",
            key=f"{days} days old",
            body_hash="",
            order_id=new_id(),
            created_at=timezone.now() - timedelta(days=days),
        )

    assert tasks.prune() == "1 keys forgotten"
    assert IdempotencyKey.objects.get().key == "6 days old"
