"""What Prometheus reads at /metrics: each line of FIGURES is one statement.

Everything is counted in the database, where all processes agree, when it is asked for:
scrape it once or twice a minute. The tasks of the workers are in Flower's own /metrics.
"""

from collections.abc import Iterator, Sequence
from secrets import compare_digest
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from orders_project.database import sql
from orders_project.errors import DATABASE_GONE, database_gone
from orders_project.messaging import backlog


class Figure(NamedTuple):
    """A gauge: its statement yields the value of each label, and the number."""

    name: str
    meaning: str
    labels: Sequence[str]
    statement: str


FIGURES: Sequence[Figure] = (
    Figure(
        "waybill_orders_open",
        "Orders that have not come to their end.",
        ["status"],
        "SELECT status, count(*) FROM orders_order WHERE is_open GROUP BY status",
    ),
    Figure(
        "waybill_outbox_parcels",
        "Parcels that are due and wait for the broker.",
        [],
        f"SELECT count(*) FROM {backlog.due()}",
    ),
    Figure(
        "waybill_outbox_oldest_seconds",
        "For how long the oldest of them has been due.",
        [],
        "SELECT coalesce(extract(epoch FROM statement_timestamp() - min(due)), 0) "
        f"FROM {backlog.due()}",
    ),
    Figure(
        "waybill_dead_letters_open",
        "Dead letters that wait for a person.",
        ["queue"],
        "SELECT queue, count(*) FROM messaging_deadletter "
        "WHERE status = 'open' GROUP BY queue",
    ),
    Figure(
        "waybill_events_last_hour",
        "Events that were handled, retried, or given up on (dead).",
        ["queue", "outcome"],
        "SELECT queue, outcome, sum(events) FROM messaging_work "
        "WHERE at > now() - interval '1 hour' GROUP BY queue, outcome",
    ),
    Figure(
        "waybill_nudges_last_hour",
        "Orders whose events, chains or messages were sent again, by whom.",
        ["by"],
        "SELECT by, count(*) FROM messaging_nudge "
        "WHERE at > now() - interval '1 hour' GROUP BY by",
    ),
)


class Database(Collector):
    """Asks for each figure as it is scraped."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for figure in FIGURES:
            gauge = GaugeMetricFamily(figure.name, figure.meaning, labels=figure.labels)
            for *labels, value in sql.fetch(figure.statement):
                gauge.add_metric(labels, float(value))
            yield gauge


REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(Database())


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a scraper that has METRICS_TOKEN; to others there is nothing here."""
    told = request.headers.get("Authorization", "")
    token = settings.METRICS_TOKEN
    if not token or not compare_digest(told.encode(), f"Bearer {token}".encode()):
        raise Http404
    try:
        text = generate_latest(REGISTRY)
    except DATABASE_GONE:
        return database_gone(request)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
