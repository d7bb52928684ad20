"""The OpenAPI page against the API: its examples, its answers, and what it refuses."""

import json

import pytest
from jsonschema import Draft202012Validator

from orders.intake import ItemBody, OrderBody, ProductBody
from orders_project.messaging import rpc
from payments.selectors import payment_at_gateway
from tests.bus import pump
from tests.payments.scene import hears, reserved

LABELS = ("reference", "orderId", "user", "user_id")
AT_THE_LIMIT = {"sku": "X" * 100, "quantity": 1000, "unit_cents": 2**31 - 1}


@pytest.fixture
def page(api, db):
    return api().get("/api/schema/", {"format": "json"}).json()


@pytest.fixture
def fits(page):
    """Tell whether a value is what a schema of the page says."""

    def fits(schema, value):
        whole = schema | {"components": page["components"]}
        return Draft202012Validator(whole).is_valid(value)

    return fits


def operation(page, method, path):
    return page["paths"][path][method.lower()]


def examples(page):
    for path, operations in page["paths"].items():
        for method, what in operations.items():
            bodies = [what.get("requestBody", {}), *what["responses"].values()]
            for body in bodies:
                for content in body.get("content", {}).values():
                    for name, example in content.get("examples", {}).items():
                        yield f"{method} {path} {name}", content, example["value"]


def test_every_example_is_what_its_schema_says(page, fits):
    found = {
        name: fits(content["schema"], value) for name, content, value in examples(page)
    }
    assert len(found) == 3
    assert all(found.values()), found


@pytest.fixture
def request_fits(page, fits):
    body = operation(page, "POST", "/api/orders/")["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    return lambda value: fits(schema, value)


@pytest.mark.parametrize(
    "body",
    [
        {"items": ["TEAPOT"]},
        {"items": ["TEAPOT", {"sku": "KETTLE"}]},
        {"items": [AT_THE_LIMIT]},
        {"items": [{"sku": "TEAPOT", "unit_cents": None}]},
        {"product_id": "TEAPOT"},
        {"product_id": 1, "quantity": 2},
        *({"items": ["TEAPOT"], label: "A-1"} for label in LABELS),
        *({"items": ["TEAPOT"], label: 1} for label in LABELS[1:]),
        {"product_id": 1, "email": "", "phone": ""},
        {"product_id": 1, "email": "dana@example.org", "phone": "+1 (555) 0100"},
    ],
)
def test_what_is_accepted_is_what_the_page_says(request_fits, body):
    assert request_fits(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": ["TEAPOT"] * 51},
        {"items": [""]},
        {"items": ["X" * 101]},
        {"items": [{"sku": "TEAPOT", "quantity": 0}]},
        {"items": [{"sku": "TEAPOT", "unit_cents": 2**31}]},
        {"items": [{"sku": "TEAPOT", "colour": "red"}]},
        {"items": ["TEAPOT"], "quantity": 1},
        {"items": ["TEAPOT"], "product_id": 1},
        {"product_id": -1},
        {"product_id": 1, "colour": "red"},
        {"product_id": 1, "method": "barter"},
        {"product_id": 1, "country": "us"},
        {"product_id": 1, "payment_token": "a b"},
        {"product_id": 1, "payment_token": ""},
        {"product_id": 1, "phone": "call me"},
        {"product_id": 1, "email": "dana"},
        {"product_id": 1, "reference": "\0"},
    ],
)
def test_what_is_refused_the_page_does_not_allow(request_fits, api, catalogue, body):
    assert not request_fits(body)
    answer = api().post("/api/orders/", body, format="json")
    assert answer.status_code == 400


@pytest.mark.parametrize(("field", "most"), [("username", 200), ("password", 4096)])
def test_a_login_is_as_long_as_the_page_says(page, api, db, field, most):
    assert schema_of(page, "LoginRequest")[field]["maxLength"] == most
    body = {"username": "a", "password": "b"} | {field: "x" * (most + 1)}
    answer = api().post("/api/auth/login/", body, format="json").json()
    assert f"at most {most} characters" in answer["errors"][0]["detail"]


def test_every_field_of_a_body_is_described(page):
    for form in (OrderBody, ProductBody, ItemBody):
        schema = page["components"]["schemas"][form.__name__]
        assert set(schema["properties"]) == set(form.__struct_encode_fields__)
        for field in schema["properties"].values():
            assert field["description"]


def schema_of(page, name):
    return page["components"]["schemas"][name]["properties"]


def test_no_pattern_is_one_that_only_python_reads(page):
    patterns = [
        field["pattern"]
        for form in ("OrderBody", "ProductBody", "ItemBody")
        for field in schema_of(page, form).values()
        if "pattern" in field
    ]
    assert len(patterns) > 5
    assert not [one for one in patterns if "\\Z" in one]


JSON = "application/json"
BAD_TOKEN = {"Authorization": "Token nonsense"}
WRONG = {"username": "owner", "password": "wrong"}

#: Who asks which page, with which query or body and headers, and the answer's status.
ASKED = [
    ("owner GET /api/orders/", {}, {}, 200),
    ("owner GET /api/orders/", {"customer": "1"}, {}, 400),
    ("owner GET /api/orders/", {"cursor": "cD0A"}, {}, 404),
    ("guest GET /api/orders/", {}, {}, 401),
    ("guest GET /api/products/", {}, {}, 200),
    ("guest GET /api/products/", {"search": "\0"}, {}, 400),
    ("guest GET /api/products/", {}, BAD_TOKEN, 401),
    ("guest GET /api/products/", {"cursor": "cD0A"}, {}, 404),
    ("owner POST /api/orders/", {"items": ["TEAPOT"]}, {}, 201),
    ("guest POST /api/orders/", {"items": ["TEAPOT"]}, {}, 201),
    ("guest POST /api/orders/", {}, {}, 400),
    ("guest POST /api/orders/", {}, {"Idempotency-Key": ""}, 400),
    ("guest POST /api/orders/", {"items": ["1"]}, BAD_TOKEN, 401),
    ("guest POST /api/orders/", {}, {"Content-Type": "text/plain"}, 415),
    ("guest POST /api/orders/", {"x": "x" * 2**21}, {}, 413),
    ("cookie POST /api/orders/", {"items": ["TEAPOT"]}, {}, 403),
    ("owner GET /api/orders/{order_id}/", {}, {}, 200),
    ("guest GET /api/orders/{order_id}/", {}, {}, 404),
    ("guest GET /api/orders/{order_id}/", {}, BAD_TOKEN, 401),
    ("owner GET /api/orders/{order_id}/payment/", {}, {}, 200),
    ("owner GET /api/orders/{order_id}/timeline/", {}, {}, 200),
    ("owner POST /api/orders/{order_id}/cancel/", {}, {}, 200),
    ("viewer POST /api/orders/{order_id}/cancel/", {}, {}, 403),
    ("owner POST /api/orders/{order_id}/confirm-delivery/", {}, {}, 409),
    ("owner POST /api/auth/login/", WRONG, {}, 401),
    ("guest POST /api/auth/login/", {"more": 1}, {}, 400),
    ("guest POST /api/auth/login/", {"username": "x" * 2**21}, {}, 413),
    ("guest POST /api/auth/login/", {}, {"Content-Type": "text/plain"}, 415),
    ("owner POST /api/auth/logout/", {}, {}, 204),
    ("guest POST /api/auth/logout/", {}, {}, 401),
    ("owner POST /api/auth/logout-all/", {}, {}, 204),
]


@pytest.fixture
def shown(page, fits):
    """Tell whether the page has an answer's status, content type and body."""

    def shown(asked, answer):
        _, method, path = asked.split()
        found = operation(page, method, path)["responses"][str(answer.status_code)]
        kinds = [answer["Content-Type"]] if answer.content else []
        contents = found.get("content", {})
        return [*contents] == kinds and all(
            fits(one["schema"], answer.json()) for one in contents.values()
        )

    return shown


@pytest.fixture
def ask(api, people, place, monkeypatch):
    """Call a page as somebody; `cookie` is a login by session, without CSRF's token."""
    order = place(customer_id=people["owner"].pk)
    monkeypatch.setattr(
        rpc, "ask", lambda _, asked, **__: payment_at_gateway(asked.order_id)
    )

    def ask(asked, data, headers):
        who, method, path = asked.split()
        client = api(people.get(who))
        if who == "cookie":
            client.handler.enforce_csrf_checks = True
            client.force_login(people["owner"])
        path = path.format(order_id=order.id)
        if method == "GET":
            return client.get(path, data, headers=headers)
        kind, body = headers.get("Content-Type", JSON), json.dumps(data)
        return client.post(path, body, content_type=kind, headers=headers)

    return ask


@pytest.mark.parametrize(("asked", "data", "headers", "status"), ASKED)
def test_every_answer_is_on_the_page(shown, ask, asked, data, headers, status):  # noqa: PLR0913, PLR0917 - the table's columns
    answer = ask(asked, data, headers)

    assert answer.status_code == status
    assert shown(asked, answer)


def test_the_payment_is_described_whole(page, fits):
    paid = reserved()
    hears(paid)
    pump()
    answer = payment_at_gateway(paid.order_id)
    assert set(schema_of(page, "Payment")) == set(answer)
    assert set(schema_of(page, "Balance")) == set(answer["gateway"])
    assert fits({"$ref": "#/components/schemas/Payment"}, answer)


def test_the_headers_of_an_order_that_was_placed_are_on_the_page(page):
    answers = operation(page, "POST", "/api/orders/")["responses"]
    assert set(answers["201"]["headers"]) == {"Location", "Idempotent-Replayed"}
    assert {one for one in answers if "headers" in answers[one]} == {"201", "503"}


def test_every_answer_that_asks_to_come_again_says_on_the_page_when(page):
    answers = [
        (status, answer)
        for operations in page["paths"].values()
        for what in operations.values()
        for status, answer in what["responses"].items()
    ]
    for status, answer in answers:
        is_later = status in {"429", "503"}
        assert is_later == ("Retry-After" in answer.get("headers", {}))


def test_each_page_says_who_may_call_it(page):
    schemes = page["components"]["securitySchemes"]
    assert set(schemes) == {"knoxApiToken", "cookieAuth"}
