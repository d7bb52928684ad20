import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import msgspec
import pytest
from django.db import connection

from orders import tracing
from orders.intake import HINTS, OrderBody, ProductBody
from orders.models import IdempotencyKey, Order
from orders_project.messaging.events import OrderCreated
from tests.bus import said
from tests.orders.conftest import paid

BODY = {"items": [{"sku": "TEAPOT", "quantity": 2}], "reference": "A-1"}
KEY = {"Idempotency-Key": "5c0c2c2e-6e0b-4d4c-9a58-0f0f4d3b8a11"}
PROBLEM = "application/problem+json"


@pytest.fixture
def post(api, catalogue):
    def post(body, client=None, path="/api/orders/", **headers):
        return (client or api()).post(path, body, format="json", headers=headers)

    return post


def test_an_order_is_answered_with_its_place_and_its_secret(post, api):
    answer = post(BODY)

    assert answer.status_code == 201
    order = answer.json()
    assert answer["Location"] == f"/api/orders/{order['id']}/"
    assert order["status"] == "pending"
    assert order["total_cents"] == 3998
    assert order["lines"] == [
        {"sku": "TEAPOT", "name": "Teapot", "quantity": 2, "unit_cents": 1999}
    ]
    assert set(order) == {
        *("id", "reference", "status", "reason", "method", "priority", "country"),
        *("currency", "total_cents", "lines", "created_at", "paid_at", "shipped_at"),
        *("delivered_at", "completed_at", "cancelled_at", "order_token"),
    }
    seen = api().get(answer["Location"], {"order_token": order["order_token"]})
    assert seen.json() == {k: v for k, v in order.items() if k != "order_token"}


def test_who_is_logged_in_needs_no_secret(post, api, people):
    order = post(BODY, api(people["owner"])).json()
    assert "order_token" not in order
    assert Order.objects.get().customer == people["owner"]


@pytest.mark.parametrize("path", ["/orders", "/orders/", "/api/orders", "/api/orders/"])
def test_the_documents_calls_work_literally(post, path):
    first = post(
        {"orderId": "123", "user": "gayal", "items": ["item1", "item2"]}, path=path
    )
    assert first.status_code == 201
    assert first.json()["reference"] == "123"
    assert [line["sku"] for line in first.json()["lines"]] == ["item1", "item2"]
    second = post({"product_id": 1, "quantity": 2, "user_id": 100}, path=path)
    assert second.status_code == 201
    assert second.json()["total_cents"] == 2 * 999
    labels = Order.objects.order_by("id").values_list("customer_ref", "customer")
    assert list(labels) == [("gayal", None), ("100", None)]


def test_a_label_of_nought_is_a_label(post):
    post(BODY | {"user": 0, "user_id": 7})
    post(BODY | {"user_id": 0})
    labels = Order.objects.order_by("id").values_list("customer_ref", flat=True)
    assert list(labels) == ["0", "0"]


def test_the_requests_trace_goes_into_the_event(post):
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    post(BODY, traceparent=trace)
    post(BODY, traceparent="nonsense")
    traces = [event.trace for event in said(OrderCreated)]
    assert traces[0] == trace
    assert tracing.SOUND.fullmatch(traces[1])


def test_guests_may_be_turned_away(post, api, people, settings):
    settings.GUEST_CHECKOUT = False
    assert post(BODY).status_code == 401
    assert post(BODY, api(people["owner"])).status_code == 201


def item(**fields):
    return {"items": [{"sku": "TEAPOT", **fields}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": []}, "items"),
        ({}, "items"),
        (item(quantity=0), "items[0].quantity"),
        (item(quantity=-1), "items[0].quantity"),
        (item(quantity=1.5), "items[0].quantity"),
        (item(quantity=10**9), "items[0].quantity"),
        (item(quantity=10**30), "items[0].quantity"),
        (item(quantity=True), "items[0].quantity"),
        (item(quantity="2"), "items[0].quantity"),
        (item(quantity=None), "items[0].quantity"),
        ({"items": [{"quantity": 1}]}, "items[0].sku"),
        (item(sku="NOPE"), "items[0].sku"),
        (item(sku=""), "items[0].sku"),
        (item(sku="TEA\0POT"), "items[0].sku"),
        (item(colour="red"), "items[0].colour"),
        ({"items": ["TEA\0POT"]}, "items[0]"),
        ({"items": "TEAPOT"}, "items"),
        ({"items": ["TEAPOT"] * 51}, "items"),
        (BODY | {"method": "barter"}, "method"),
        (BODY | {"priority": "asap"}, "priority"),
        (BODY | {"country": "us"}, "country"),
        (BODY | {"country": "US\n"}, "country"),
        (BODY | {"email": "not an address"}, "email"),
        (BODY | {"email": "a@b.c\nBcc: d@e.f"}, "email"),
        (BODY | {"phone": "call me"}, "phone"),
        (BODY | {"reference": "\0"}, "reference"),
        (BODY | {"reference": "x" * 201}, "reference"),
        (BODY | {"payment_token": ""}, "payment_token"),
        (BODY | {"total_cents": 1}, "total_cents"),
        (BODY | {"product_id": "1"}, "items"),
        ({"product_id": 1, "quantity": 0}, "quantity"),
        ({"product_id": True}, "product_id"),
        ({"product_id": 7}, "product_id"),
        ({"items": ["TEAPOT", "NOPE"]}, "items[1]"),
    ],
)
def test_bad_input_is_refused_naming_the_field(post, body, field):
    answer = post(body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == PROBLEM
    problem = answer.json()
    assert problem["status"] == 400
    assert problem["instance"] == "/api/orders/"
    assert problem.keys() >= {"type", "title", "detail"}
    assert [error["field"] for error in problem["errors"]] == [field]
    assert not Order.objects.exists()
    assert not said()


NUL = "\0"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (item(sku=NUL), "1 to 100 characters"),
        ({"items": [NUL]}, "1 to 100 characters"),
        ({"product_id": NUL}, "1 to 100 characters"),
        (BODY | {"payment_token": "a b"}, "none of them a space"),
        (BODY | {"country": "us"}, "Two capital letters"),
        (BODY | {"email": "dana"}, "An e-mail address"),
        (BODY | {"phone": "call me"}, "A telephone number"),
        (BODY | {"reference": NUL}, "none of them NUL"),
        (BODY | {"orderId": NUL}, "none of them NUL"),
        (BODY | {"user": NUL}, "none of them NUL"),
        (BODY | {"user_id": NUL}, "none of them NUL"),
    ],
)
def test_what_is_expected_is_said_in_words(post, body, expected):
    (error,) = post(body).json()["errors"]
    assert expected in error["detail"]
    assert "regex" not in error["detail"]
    assert "^" not in error["detail"]


def test_every_field_that_has_a_pattern_has_words():
    _, forms = msgspec.json.schema_components([OrderBody, ProductBody])
    fields = {
        name: field
        for form in forms.values()
        for name, field in form["properties"].items()
    }
    with_pattern = {name for name in fields if "pattern" in json.dumps(fields[name])}
    assert with_pattern >= {"sku", "product_id", "reference", "user", "email"}
    assert with_pattern <= set(HINTS)


def test_of_too_many_altogether_each_item_is_named_as_it_was_sent(post):
    items = ["TEAPOT", {"sku": "TEAPOT", "quantity": 1000}]
    problem = post({"items": items}).json()
    assert [error["field"] for error in problem["errors"]] == [
        "items[0]",
        "items[1].quantity",
    ]


def test_the_same_order_in_another_form_is_the_same_order(post):
    orders = ({"items": ["1"]}, {"items": [{"sku": "1"}]}, {"product_id": 1})
    assert len({post(order, **KEY).json()["id"] for order in orders}) == 1


def test_every_unknown_field_is_named(post):
    problem = post(BODY | {"colour": "red", "size": 3}).json()
    assert [error["field"] for error in problem["errors"]] == ["colour", "size"]


def test_a_body_of_unknown_fields_alone_has_no_answer_larger_than_itself(post):
    body = {f"field{number}": 1 for number in range(50_000)}
    answer = post(body)
    assert answer.status_code == 400
    assert len(answer.content) < len(json.dumps(body)) / 50


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"items"',
        b"\xff",
        b'{"items": ["\xff"]}',
        b'{"items": ["\\ud800"]}',
        b'{"items":' + b"[" * 100_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"product_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_no_json_object_is_refused(api, catalogue, raw):
    answer = api().post("/api/orders/", raw, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize(("size", "status"), [(0, 201), (2**21, 413)])
def test_a_body_in_chunks_that_tells_no_length_is_read(api, catalogue, size, status):
    body = BytesIO(json.dumps(BODY).encode() + b" " * size)
    chunked = {"wsgi.input": body, "wsgi.input_terminated": True}
    answer = api().post("/api/orders/", content_type="application/json", **chunked)
    assert answer.status_code == status


def test_a_body_of_two_megabytes_is_too_large(post):
    answer = post(BODY | {"reference": "x" * 2 * 1024 * 1024})
    assert (answer.status_code, answer["Content-Type"]) == (413, PROBLEM)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data"]
)
def test_another_content_type_is_refused(api, catalogue, kind):
    answer = api().post("/api/orders/", b"{}", content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (415, PROBLEM)


def test_another_price_is_a_conflict_that_names_the_current_one(post):
    answer = post(item(unit_cents=1))
    assert answer.status_code == 409
    assert answer.json()["errors"] == [
        {"field": "items[0].unit_cents", "detail": "TEAPOT costs 1999 USD cents now."}
    ]
    assert post(item(unit_cents=1999)).status_code == 201


def test_a_key_sent_again_gives_the_same_answer(post, happens):
    first = post(BODY, **KEY)
    order = Order.objects.get()
    happens(order, paid)
    again = post(dict(reversed(BODY.items())), **KEY)

    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Order.objects.count() == 1


def test_a_key_with_another_body_is_refused(post):
    post(BODY, **KEY)
    answer = post(BODY | {"country": "DE"}, **KEY)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert Order.objects.count() == 1


def test_a_first_try_that_failed_does_not_block_the_second(post, catalogue):
    assert post(item(unit_cents=1), **KEY).status_code == 409
    assert not IdempotencyKey.objects.exists()
    assert post(item(unit_cents=1999), **KEY).status_code == 201


def test_two_logins_may_use_the_same_key(post, api, people):
    ids = {
        post(BODY, api(who), **KEY).json()["id"]
        for who in (None, people["owner"], people["stranger"])
    }
    assert len(ids) == 3


def test_two_guests_may_use_the_same_key(post):
    key = {"Idempotency-Key": "k-1"}
    ada, bob, again = (
        post(BODY | {"email": email}, **key).json()["id"]
        for email in ("ada@example.org", "bob@example.org", "ada@example.org")
    )
    assert ada == again != bob


def test_a_guest_whom_nothing_tells_from_others_needs_a_key_that_nobody_else_has(post):
    answer = post(BODY, **{"Idempotency-Key": "1"})
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    (error,) = answer.json()["errors"]
    assert error["field"] == "Idempotency-Key"
    assert "must be a UUID" in error["detail"]
    assert not Order.objects.exists()

    for contact in ({"email": "ada@example.org"}, {"phone": "+1 555"}):
        known = post(BODY | contact, **{"Idempotency-Key": "1"})
        assert known.status_code == 201
    assert post(BODY, **KEY).status_code == 201


def test_a_key_in_quotes_is_the_key_within(post, api, people):
    client = api(people["owner"])
    plain, quoted = (
        post(BODY, client, **{"Idempotency-Key": key}).json()["id"]
        for key in ("k", '"k"')
    )
    assert plain == quoted


def test_a_guest_may_write_a_uuid_in_quotes(post):
    quoted = {name: f'"{key}"' for name, key in KEY.items()}
    assert post(BODY, **quoted).status_code == 201
    assert post(BODY, **KEY)["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ['"', 'a"', '"a'])
def test_half_a_pair_of_quotes_is_part_of_the_key(post, api, people, key):
    post(BODY, api(people["owner"]), **{"Idempotency-Key": key})
    assert IdempotencyKey.objects.get().key == key


def test_the_page_says_how_long_keys_are_kept(api, settings):
    schema = api().get("/api/schema/").content.decode()
    assert f"kept for {settings.RETENTION_DAYS} days" in " ".join(schema.split())


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_a_key_must_be_short_and_printable(post, key):
    answer = post(BODY, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["", '""', " ", '" "'])
def test_an_empty_key_is_not_taken_for_none(post, api, people, key):
    for client in (api(), api(people["owner"])):
        answer = post(BODY, client, **{"Idempotency-Key": key})
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["field"] == "Idempotency-Key"
        assert "Leave the header out" in error["detail"]
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_retries_at_once_get_the_same_answer(post):
    def order(_):
        try:
            answer = post(BODY, **KEY)
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        answers = set(threads.map(order, range(50)))

    assert len(answers) == 1
    assert answers.pop()[0] == 201
    assert Order.objects.count() == 1
    assert len(said(OrderCreated)) == 1
