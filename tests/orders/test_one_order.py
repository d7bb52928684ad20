import base64
from datetime import timedelta

import pytest

from orders import selectors, services, tokens
from orders.errors import InvalidTransitionError
from orders.models import Order
from orders_project.messaging import rpc
from orders_project.messaging.errors import UnansweredError
from orders_project.messaging.events import DeliveryConfirmed, OrderCancelled
from tests.bus import said
from tests.orders.conftest import delivered, paid, prepared


def test_cancelling_says_so_once_and_answers_twice_the_same(order, guest):
    first, second = guest("post", order, "cancel/"), guest("post", order, "cancel/")
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert (first.json()["status"], first.json()["reason"]) == ("cancelled", "customer")
    assert [event.reason for event in said(OrderCancelled)] == ["customer"]


def test_whom_staff_call_an_order_off_for_is_not_said_to_have_wished_it(
    order, api, people
):
    answer = api(people["clerk"]).post(f"/api/orders/{order.id}/cancel/")
    assert (answer.status_code, answer.json()["reason"]) == (200, "staff")
    assert [event.reason for event in said(OrderCancelled)] == ["staff"]


def test_staff_with_an_order_of_their_own_are_its_customer(place, api, people):
    mine = place(customer_id=people["clerk"].pk)
    answer = api(people["clerk"]).post(f"/api/orders/{mine.id}/cancel/")
    assert answer.json()["reason"] == "customer"


def test_who_may_only_view_is_told_which_permission_is_missing(order, api, people):
    answer = api(people["viewer"]).post(f"/api/orders/{order.id}/cancel/")
    assert answer.status_code == 403
    assert "orders.change_order" in answer.json()["detail"]
    assert not said(OrderCancelled)


def test_a_carriers_login_confirms_deliveries(order, api, people, happens):
    happens(order, paid, prepared)
    page = f"/api/orders/{order.id}/confirm-delivery/"
    assert api(people["staff"]).post(page).status_code == 404
    assert api(people["clerk"]).post(page).status_code == 202
    assert len(said(DeliveryConfirmed)) == 1


def test_a_paid_order_can_still_be_cancelled(order, guest, happens):
    happens(order, paid)
    assert guest("post", order, "cancel/").json()["status"] == "cancelled"


def test_a_shipped_order_cannot_and_is_told_its_state(order, guest, happens):
    happens(order, paid, prepared)
    answer = guest("post", order, "cancel/")
    assert answer.status_code == 409
    assert "is shipped" in answer.json()["detail"]
    assert not said(OrderCancelled)


def test_a_delivery_is_confirmed_once(order, guest, happens):
    assert guest("post", order, "confirm-delivery/").status_code == 409
    happens(order, paid, prepared)
    assert guest("post", order, "confirm-delivery/").status_code == 202
    assert guest("post", order, "confirm-delivery/").status_code == 202
    assert len(said(DeliveryConfirmed)) == 1
    happens(order, delivered)
    with pytest.raises(InvalidTransitionError):
        services.confirm_delivery(order.id)


def test_the_payment_is_what_payments_answers(order, guest, monkeypatch):
    monkeypatch.setattr(rpc, "ask", lambda *_asked, timeout: {"status": "captured"})
    assert guest("get", order, "payment/").json() == {"status": "captured"}


def test_payments_that_do_not_answer_are_a_504(order, guest, monkeypatch, caplog):
    def silence(*_asked, timeout):
        raise UnansweredError("See: manage.py queues")

    monkeypatch.setattr(rpc, "ask", silence)
    answer = guest("get", order, "payment/")
    assert answer.status_code == 504
    assert "See: manage.py queues" in caplog.text
    assert answer["Content-Type"] == "application/problem+json"


def test_the_timeline_tells_what_led_to_what_and_nothing_private(place, guest, happens):
    order = place(email="dana@example.org", phone="+1 555 0100", payment_token="tok_9")
    happens(order, paid)
    answer = guest("get", order, "timeline/")
    created, payment = answer.json()
    assert created["type"] == "order.created"
    assert created["data"]["total_cents"] == 1999
    assert payment["type"] == "order.paid"
    assert payment["cause"]
    for private in (b"dana", b"555", b"tok_9"):
        assert private not in answer.content


@pytest.mark.parametrize("page", ["", "timeline/", "payment/"])
def test_no_cache_keeps_an_order_for_who_asks_next(
    order, guest, api, monkeypatch, page
):
    monkeypatch.setattr(rpc, "ask", lambda *_args, **_more: {"status": "captured"})
    stranger = api().get(f"/api/orders/{order.id}/{page}")
    for answer in (guest("get", order, page), stranger):
        assert "no-store" in answer["Cache-Control"]


def test_no_cache_keeps_a_list_of_orders(api, people):
    assert "no-store" in api(people["owner"]).get("/api/orders/")["Cache-Control"]


def test_a_token_opens_its_own_order_alone(place, api):
    mine, other = place(), place()
    path = f"/api/orders/{other.id}/"
    assert api().get(path, {"order_token": tokens.make(mine.id)}).status_code == 404
    assert api().get(path, {"order_token": ""}).status_code == 404
    assert api().get(path, {"order_token": "ä"}).status_code == 404


def test_a_token_outlives_a_change_of_the_secret(order, settings):
    token = tokens.make(order.id)
    settings.SECRET_KEY, former = "n" * 50, settings.SECRET_KEY
    assert not tokens.opens(token, order.id)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert tokens.opens(token, order.id)


def test_the_list_shows_whose_it_is_newest_first(place, api, people):
    mine = [place(customer_id=people["owner"].pk) for _ in range(3)]
    place()
    answer = api(people["owner"]).get("/api/orders/", {"page_size": 2}).json()
    assert [row["id"] for row in answer["results"]] == [
        str(order.id) for order in (mine[2], mine[1])
    ]
    rest = api(people["owner"]).get(answer["next"]).json()
    assert [row["id"] for row in rest["results"]] == [str(mine[0].id)]
    assert len(api(people["viewer"]).get("/api/orders/").json()["results"]) == 4


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=cancelled", 1),
        ("status=pending", 1),
        ("method=cod", 1),
        ("priority=urgent", 1),
        ("reference=R-7", 1),
        ("created_after=2020-01-01T00:00:00Z", 2),
        ("created_before=2020-01-01T00:00:00Z", 0),
        ("created_after=2020-01-01T00:00:00%2B23:59", 2),
        ("created_before=2020-01-01T00:00:00-16:00", 0),
        ("created_after=0001-01-01T00:00:00Z", 2),
        ("created_before=9999-12-31T23:59:59Z", 2),
    ],
)
def test_the_list_can_be_narrowed(place, api, people, query, found):
    place(method="cod", priority="urgent", country="DE", reference="R-7")
    services.cancel_order(place().id)
    answer = api(people["viewer"]).get(f"/api/orders/?{query}")
    assert len(answer.json()["results"]) == found


def test_an_order_is_listed_by_its_time_though_a_clock_was_set_since_it_got_its_id(
    place, api, people
):
    order = place()
    for apart in (timedelta(minutes=-50), timedelta(minutes=50)):
        moment = order.created_at + apart
        Order.objects.filter(pk=order.pk).update(created_at=moment)
        asked = {
            "created_after": moment.isoformat(),
            "created_before": moment.isoformat(),
        }
        found = api(people["viewer"]).get("/api/orders/", asked).json()["results"]
        assert [one["id"] for one in found] == [str(order.id)]


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "created_after=yesterday",
        "created_before=tomorrow",
        "reference=%00",
        "created_after=9999-12-31T23:59:59-01:00",
        "created_before=0001-01-01T00:00:00%2B01:00",
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_its_name(api, people, query):
    answer = api(people["viewer"]).get(f"/api/orders/?{query}")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/api/orders/", ("status", "created_after", "cursor", "page_size", "format")),
        ("/api/products/", ("search", "cursor", "page_size", "format")),
    ],
)
def test_an_unknown_parameter_is_refused_with_those_that_are_known(
    api, people, path, known
):
    answer = api(people["viewer"]).get(f"{path}?sort=id&customer=1&page_size=1")
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert [error["field"] for error in errors] == ["customer", "sort"]
    for name in known:
        assert name in errors[0]["detail"]


@pytest.mark.parametrize("path", ["/api/orders/", "/api/products/"])
def test_each_parameter_of_the_page_is_known(api, people, path):
    schema = api().get("/api/schema/", {"format": "json"}).json()
    documented = {one["name"] for one in schema["paths"][path]["get"]["parameters"]}
    answer = api(people["viewer"]).get(path, {"unknown": 1}).json()
    known = answer["errors"][0]["detail"].partition("Known are ")[2].rstrip(".")
    assert set(known.split(", ")) - {"format"} == documented


def test_a_list_may_be_asked_for_by_its_format(api, catalogue):
    assert api().get("/api/products/", {"format": "json"}).status_code == 200


def test_the_list_takes_as_many_statements_for_one_as_for_many(
    place, api, people, django_assert_num_queries
):
    for _ in range(5):
        place()
    reader = selectors.visible_orders(people["viewer"])
    with django_assert_num_queries(2):
        assert [order.content for order in reader]


def test_products_are_found_by_name_and_paged(catalogue, api):
    found = api().get("/api/products/", {"search": "kettle"}).json()["results"]
    assert found == [
        {
            "sku": "KETTLE",
            "name": "Kettle",
            "category": "Kitchen",
            "sub_category": "",
            "unit_cents": 4500,
            "currency": "USD",
        }
    ]
    page = api().get("/api/products/", {"page_size": 2}).json()
    assert len(page["results"]) == 2
    assert page["next"]


@pytest.mark.parametrize("term", ["\0", "e " * 11])
def test_a_search_that_is_refused_says_that_it_is_the_search(catalogue, api, term):
    answer = api().get("/api/products/", {"search": term})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "search"


def test_a_search_may_have_some_words(catalogue, api):
    found = api().get("/api/products/", {"search": "e " * 10}).json()["results"]
    assert len(found) == 5


@pytest.mark.parametrize("position", ["p=\0", "p=none", "o=-1", "?"])
@pytest.mark.parametrize("path", ["/api/products/", "/api/orders/"])
def test_a_made_up_cursor_is_no_bug_of_ours(api, people, path, position):
    cursor = base64.b64encode(position.encode()).decode()
    answer = api(people["viewer"]).get(path, {"cursor": cursor})
    assert answer.status_code in {200, 404}
