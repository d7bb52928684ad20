"""A load balancer calls by plain HTTP, whatever customers must do."""

import pytest


@pytest.mark.parametrize("page", ["healthz", "healthz/", "readyz", "readyz/"])
def test_who_asks_after_our_health_is_not_sent_to_https(client, db, settings, page):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(f"/{page}").status_code == 200
