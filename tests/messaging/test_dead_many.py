"""A hundred thousand dead letters do not slow the desk."""

import json
import sys
import time
from statistics import median, quantiles

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders_project.database import sql
from orders_project.messaging.desk import selectors, services
from orders_project.messaging.models import DeadLetter, DeadLetterAction, Parcel
from tests.messaging.desk import QUEUE, Handler, letter_of, listen, paid

pytestmark = pytest.mark.django_db

MANY, GROUP = 100_000, 10_000
#: How often each page is asked for; bin/test .. -s prints the figures.
TIMES = 20
LIST = "/admin/messaging/deadletter/"
PAGES = (
    LIST,
    f"{LIST}?p=1500",
    f"{LIST}?queue={QUEUE.name}",
    f"{LIST}?cause=cause3",
    f"{LIST}causes/",
)
#: Ten causes of ten thousand letters each, all like the one letter that is there.
SEED = """
    INSERT INTO messaging_deadletter (queue, identity, kind, status, type, event_id,
        order_id, priority, reason, exception, error, place, cause, traceback, attempts,
        deaths, copies, first_failure, last_failure, body, headers)
    SELECT queue, n::text, kind, status, type, gen_random_uuid(), gen_random_uuid(),
        priority, reason, exception, error, place, 'cause' || n %% 10, traceback,
        attempts, deaths, copies, first_failure, last_failure, body, headers
    FROM messaging_deadletter, generate_series(1, %s) AS n
"""


@pytest.fixture
def many(monkeypatch):
    listen(monkeypatch, Handler())
    letter_of(paid())
    sql.run("SET LOCAL statement_timeout = 0")  # a busy machine takes its time
    sql.run(SEED, [MANY])
    sql.run("ANALYZE messaging_deadletter")


def seconds_of(client, page):
    times = []
    for _ in range(TIMES):
        answer, seconds = timed(lambda: client.get(page))
        assert answer.status_code == 200
        times.append(seconds)
    return times


def told(seconds):
    return f"p50 {median(seconds):.3f} s, p95 {quantiles(seconds, n=20)[-1]:.3f} s"


def timed(do):
    began = time.perf_counter()
    return do(), time.perf_counter() - began


def test_every_page_comes_within_a_second_and_scans_no_table(admin_client, many):
    admin_client.get("/admin/")
    pages = (*PAGES, f"{LIST}{DeadLetter.objects.order_by('id')[MANY // 2].pk}/change/")
    took = {page: seconds_of(admin_client, page) for page in pages}
    sys.stdout.writelines(f"{page} {told(took[page])}\n" for page in pages)
    assert {page: s for page, s in took.items() if median(s) > 1} == {}

    for page in PAGES[:-1]:
        plan = plan_of(admin_client, page)
        assert "Index" in plan, page
        assert "Seq Scan" not in plan, page


def plan_of(admin_client, page):
    """Explain the query that finds the rows of a page."""
    with CaptureQueriesContext(connection) as seen:
        admin_client.get(page)
    (query,) = [
        one["sql"]
        for one in seen.captured_queries
        if one["sql"].startswith('SELECT "messaging_deadletter"."id"')
        and "LIMIT 50" in one["sql"]
    ]
    return json.dumps(sql.fetch(f"EXPLAIN (FORMAT JSON) {query}"))


def test_a_group_of_ten_thousand_is_replayed_in_a_few_statements(many):
    with CaptureQueriesContext(connection) as seen:
        result, seconds = timed(
            lambda: services.replay(
                selectors.chosen(group="cause3"), who="ada", why="fixed"
            )
        )

    assert result == services.Replay(started=GROUP)
    assert Parcel.objects.count() == DeadLetterAction.objects.count() == GROUP
    assert DeadLetter.objects.filter(status="replaying").count() == GROUP
    assert len(seen) <= 12
    assert seconds < 5
