"""Every page of the API, and what it answers to whom."""

import json

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern

from orders import tokens
from orders_project.messaging import rpc

WHO = ("anonymous", "stranger", "owner", "token", "staff", "viewer", "clerk")

#: method and page -> the answer to each of WHO. The order is the owner's.
EXPECTED = {
    "POST api/orders/": (201, 201, 201, 201, 201, 201, 201),
    "GET api/orders/": (401, 200, 200, 401, 200, 200, 200),
    "GET api/orders/<uuid:order_id>/": (404, 404, 200, 200, 404, 200, 404),
    "POST api/orders/<uuid:order_id>/cancel/": (404, 404, 200, 200, 404, 403, 200),
    "POST api/orders/<uuid:order_id>/confirm-delivery/": (
        404,
        404,
        409,
        409,
        404,
        403,
        409,
    ),
    "GET api/orders/<uuid:order_id>/payment/": (404, 404, 200, 200, 404, 200, 404),
    "GET api/orders/<uuid:order_id>/timeline/": (404, 404, 200, 200, 404, 200, 404),
    "GET api/products/": (200, 200, 200, 200, 200, 200, 200),
    "POST api/auth/login/": (401, 401, 401, 401, 401, 401, 401),
    "POST api/auth/logout/": (401, 204, 204, 401, 204, 204, 204),
    "POST api/auth/logout-all/": (401, 204, 204, 401, 204, 204, 204),
    "GET api/schema/": (200, 200, 200, 200, 200, 200, 200),
    "GET api/docs/": (200, 200, 200, 200, 200, 200, 200),
    "POST orders": (201, 201, 201, 201, 201, 201, 201),
    "GET orders": (401, 200, 200, 401, 200, 200, 200),
    "GET healthz": (200, 200, 200, 200, 200, 200, 200),
    "GET readyz": (200, 200, 200, 200, 200, 200, 200),
    "GET metrics": (404, 404, 404, 404, 404, 404, 404),
    "GET ": (302, 302, 302, 302, 302, 302, 302),
    "GET admin": (302, 302, 302, 302, 302, 302, 302),
}
BODIES = {
    "POST api/orders": {"items": ["TEAPOT"]},
    "POST orders": {"items": ["TEAPOT"]},
    "POST api/auth/login": {"username": "owner", "password": "wrong"},
}
CASES = [
    (*page.split(" "), who, status)
    for page, statuses in EXPECTED.items()
    for who, status in zip(WHO, statuses, strict=True)
]


@pytest.fixture
def ask(api, people, place, monkeypatch):
    """Call a page as one of WHO, with an order of the owner's."""
    monkeypatch.setattr(rpc, "ask", lambda *_args, **_more: {"status": "captured"})
    order = place(customer_id=people["owner"].pk)

    def ask(method, page, who):
        path = "/" + page.replace("<uuid:order_id>", str(order.id))
        token = {"X-Order-Token": tokens.make(order.id)} if who == "token" else {}
        client = api(people.get(who))
        return client.generic(
            method,
            path,
            json.dumps(BODIES.get(f"{method} {page.rstrip('/')}", {})),
            content_type="application/json",
            headers=token,
        )

    return ask


@pytest.mark.parametrize(("method", "page", "who", "status"), CASES)
def test_each_page_answers_each_person_as_it_should(ask, method, page, who, status):
    assert ask(method, page, who).status_code == status


@pytest.mark.parametrize(("method", "page", "who", "status"), CASES)
def test_each_page_is_the_same_without_its_last_slash(ask, method, page, who, status):
    assert ask(method, page.rstrip("/"), who).status_code == status


def test_no_page_is_missing_in_the_table(client):
    pages = {
        str(pattern.pattern).rstrip("/")
        for pattern in get_resolver().url_patterns
        if isinstance(pattern, URLPattern)
    }
    assert pages == {case[1].rstrip("/") for case in CASES}


@pytest.mark.parametrize(
    "page", sorted({case[1] for case in CASES if "api" in case[1]})
)
def test_a_page_takes_no_other_method(ask, page):
    listed = {case[0] for case in CASES if case[1] == page}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - listed:
        assert ask(method, page, "staff").status_code == 405


def test_an_order_that_does_not_exist_looks_like_another_ones(ask):
    page = "api/orders/01a1fd94-f5f8-76d7-980c-fc5ad554bd8a/"
    missing = ask("GET", page, "stranger").json()
    hidden = ask("GET", "api/orders/<uuid:order_id>/", "stranger").json()
    assert {**missing, "instance": ""} == {**hidden, "instance": ""}
