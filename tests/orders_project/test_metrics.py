"""What a scraper reads is what the database holds; nobody else reads anything."""

import pytest
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from orders_project import metrics
from orders_project.messaging.models import Parcel
from tests.orders.conftest import catalogue, place

__all__ = ("catalogue", "place")

pytestmark = pytest.mark.django_db
TOKEN = "a scraper's own secret"


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def scrape(authorization=f"Bearer {TOKEN}"):
        return client.get("/metrics", headers={"Authorization": authorization})

    return scrape


def figures(answer):
    """Return {(name, labels): value} as Prometheus understands it."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_an_order_and_its_parcel_are_counted(scrape, place):
    before = figures(scrape())
    place()
    after = figures(scrape())

    assert after["waybill_orders_open", "pending"] == 1 + before.get(
        ("waybill_orders_open", "pending"), 0
    )
    assert after["waybill_outbox_parcels",] == Parcel.objects.count() > 0
    assert after["waybill_outbox_oldest_seconds",] >= 0


def test_every_figure_is_there_or_counts_nothing(scrape):
    told = {
        family.name
        for family in text_string_to_metric_families(scrape().content.decode())
    }
    assert told == {figure.name for figure in metrics.FIGURES}


@pytest.mark.parametrize("shown", ["", "Bearer wrong", TOKEN, "Bearer é"])
def test_who_does_not_show_the_token_finds_nothing(scrape, shown):
    assert scrape(shown).status_code == 404


def test_without_a_token_there_is_no_page(scrape, settings):
    settings.METRICS_TOKEN = ""
    assert scrape("Bearer ").status_code == 404


def test_while_the_database_is_away_a_scraper_is_told_so(scrape, monkeypatch):
    def gone(_statement):
        raise OperationalError

    monkeypatch.setattr(metrics.sql, "fetch", gone)
    assert scrape().status_code == 503
