"""The broker behind TLS: whom relay and workers trust, and that events get through."""

import sys

import pytest
from django.db import transaction

from audit.models import AuditRecord
from orders_project.messaging import outbox
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.topology import AUDIT_QUEUE
from tests.awaiting import eventually
from tests.encrypted import ANOTHER, OURS, encrypted
from tests.processes import BIN, manage, process, relay, worker

RELAY = (sys.executable, "manage.py", "relay")
WORKER = (BIN / "celery", "-A", "orders_project", "worker", "-Q", AUDIT_QUEUE.name)


def test_events_are_published_and_heard(broker, tmp_path):
    """More than TLS hands over at once: it keeps back what no poll sees."""
    said = [
        OrderPaid(order_id=new_id(), total_cents=1999, currency="USD")
        for _ in range(1_000)
    ]
    with transaction.atomic():
        outbox.append(*said)
    with encrypted(tmp_path, OURS) as (url, certificate):
        told = {"AMQP_URL": url, "SSL_CERT_FILE": certificate}
        with relay(**told), worker(AUDIT_QUEUE.name, **told):
            eventually(lambda: AuditRecord.objects.count() == len(said))


@pytest.mark.parametrize(
    ("name", "is_trusted", "because"),
    [
        (ANOTHER, True, "certificate is not valid for '127.0.0.1'"),
        (OURS, False, "self-signed certificate"),
    ],
    ids=["another name", "another authority"],
)
@pytest.mark.usefixtures("topology", "transactional_db")
def test_a_certificate_of_another_name_or_authority_is_refused(
    tmp_path, name, is_trusted, because
):
    with encrypted(tmp_path, name) as (url, certificate):
        trusted = {"SSL_CERT_FILE": certificate} if is_trusted else {}
        told = {"AMQP_URL": url} | trusted
        declared = manage("topology", "--apply", **told)
        for words in RELAY, WORKER:
            with process(*words, **told) as running:
                eventually(lambda running=running: because in running.log())
                assert running.poll() is None

    assert because in declared.stderr
    assert "SSL_CERT_FILE=/path" in declared.stderr
    assert "Traceback" not in declared.stderr
