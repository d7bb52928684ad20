"""Beyond a bound of waiting parcels new orders are refused, and nothing else is."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from orders.tasks import sweep
from orders_project.messaging import backlog, outbox

BODY = {"items": ["TEAPOT"]}


@pytest.fixture(autouse=True)
def seconds(monkeypatch, settings):
    """A clock that only goes on when it is told to."""
    settings.OUTBOX_LIMIT = 2
    now = [1000.0]
    monkeypatch.setattr(backlog, "monotonic", lambda: now[0])
    backlog._was_full.cache_clear()
    yield now
    backlog._was_full.cache_clear()


def order(api, **headers):
    return api().post("/api/orders/", BODY, format="json", headers=headers)


def test_new_orders_are_refused_in_words_that_a_client_can_act_on(api, place):
    for _ in range(3):
        place()
    answer = order(api, idempotency_key="k1")

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "30"
    assert answer.json()["type"] == "urn:waybill:backlog"
    assert Order.objects.count() == 3


def test_at_the_limit_orders_are_taken(api, place):
    place()
    place()
    assert order(api).status_code == 201


def test_what_is_due_later_is_no_backlog(api, catalogue):
    with transaction.atomic():
        for _ in range(5):
            outbox.send_task(sweep.s(), after=3600)

    assert order(api).status_code == 201


def test_everything_else_goes_on(api, place, guest, client):
    for _ in range(3):
        placed = place()

    assert guest("get", placed).status_code == 200
    assert guest("post", placed, "cancel/").status_code == 200
    assert client.get("/readyz").json() == {"status": "ready", "takes_orders": False}
    assert client.get("/api/products/").status_code == 200


def test_each_process_looks_once_a_second(api, place, seconds):
    place()
    place()
    assert _looks(lambda: [order(api), order(api)]) == 1

    seconds[0] += 1
    assert _looks(lambda: order(api)) == 1
    assert order(api).status_code == 503


def _looks(deed):
    with CaptureQueriesContext(connection) as queries:
        deed()
    return sum("OFFSET" in query["sql"] for query in queries)
