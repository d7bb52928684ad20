"""A worker that is stopped, or loses its broker, while it sends mails and texts."""

from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import transaction

from notifications import services
from notifications.models import Notification, Recipient
from orders_project.messaging import relay
from orders_project.messaging.events import new_id
from tests.awaiting import eventually
from tests.faults.proxy import Proxy
from tests.processes import worker

CHANNELS = ("email", "sms")
SLOW = {
    "EMAIL_BACKEND": "tests.broker.slow_channels.SlowMail",
    "SMS_SENDER": "tests.broker.slow_channels.SlowTexts",
}
#: What it has claimed is sent within about half a second.
A_HANDFUL = 10
SENDING, SENT = (
    Notification.objects.filter(status=status) for status in ("sending", "sent")
)


@pytest.fixture
def due(broker):
    """A hundred mails and a hundred texts, whose steps are on their way."""
    ids = [new_id() for _ in range(100)]
    Recipient.objects.bulk_create(map(recipient, ids))
    Notification.objects.bulk_create(
        Notification(order_id=one, milestone="created", channel=channel)
        for one in ids
        for channel in CHANNELS
    )
    with transaction.atomic():
        for channel in CHANNELS:
            services.wake(channel)
    relay.carry(broker.publisher)


def recipient(order_id):
    return Recipient(
        order_id=order_id,
        email="ada@example.org",
        phone="+1 555 0100",
        total_cents=1999,
        currency="USD",
        lines=[],
    )


def test_when_it_is_told_to_stop_no_message_stays_half_way(due):
    with worker("notifications.tasks", **SLOW) as running:
        eventually(SENDING.all().exists)
        running.terminate()
        running.wait(20)

    assert not SENDING.all().exists()


def test_when_its_connection_breaks_no_more_than_a_handful_does(due):
    address = urlsplit(settings.AMQP_URL)
    proxy = Proxy(address.port)
    through = settings.AMQP_URL.replace(f":{address.port}", f":{proxy.port}")
    with worker("notifications.tasks", AMQP_URL=through, **SLOW) as running:
        eventually(lambda: SENT.count() > A_HANDFUL)
        proxy.reset()
        eventually(lambda: "onnection to broker lost" in running.log())
        proxy.close()
        lost = set(SENDING.values_list("pk", flat=True))

    assert len(lost) <= A_HANDFUL
