"""Tables that grow without end, in the admin: no page reads one as a whole."""

import json
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import USUAL
from orders.admin import OrderAdmin
from orders.models import FailedOrder, Order
from orders_project import growing
from orders_project.database import sql
from orders_project.growing import Growing, Pages
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import DeadLetter
from tests.orders.conftest import catalogue, place

__all__ = ("catalogue", "place")

pytestmark = pytest.mark.django_db
OURS = ("orders", "inventory", "payments", "shipping", "notifications", "audit")
#: As many as there are products, or without a list.
SMALL = {"Product", "StockItem", "OrderFact"}
REGISTERED = admin.site._registry
GROWING = {
    model.__name__: model
    for model, page in REGISTERED.items()
    if isinstance(page, Growing) and model is not DeadLetter
}
AN_ID = "01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"
SEARCHES = [
    *((name, AN_ID) for name in GROWING),
    *((name, "R-1") for name in ("Order", "FailedOrder")),
    ("Order", "ada@example.org"),
]


def list_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def statements(client, model, **query):
    """Return what a view of the list asks of this table."""
    client.get("/admin/")
    with CaptureQueriesContext(connection) as seen:
        assert client.get(list_of(model), query).status_code == 200
    told = [one["sql"] for one in seen.captured_queries]
    return [one for one in told if f'"{model._meta.db_table}"' in one]


def test_every_table_in_the_admin_is_known_to_grow_or_to_be_small():
    ours = {one for one in REGISTERED if one._meta.app_label in OURS}
    assert {one.__name__ for one in ours} - SMALL == set(GROWING)


@pytest.mark.parametrize("name", GROWING)
def test_a_list_counts_no_further_than_pages_are_turned(admin_client, name):
    asked = statements(admin_client, GROWING[name])
    counts = [one for one in asked if "COUNT(" in one]
    assert counts
    assert all(f"LIMIT {growing.MOST + 1}" in one for one in counts)


@pytest.mark.parametrize("name", GROWING)
def test_what_a_list_is_filtered_by_is_not_asked_of_the_table(admin_client, name):
    for asked in statements(admin_client, GROWING[name]):
        assert "DISTINCT" not in asked
        assert "MIN(" not in asked


def plans(model, asked):
    """Return how PostgreSQL would go about these statements on a table with rows."""
    sql.run("SET CONSTRAINTS ALL IMMEDIATE")
    # One that the autovacuum has found empty counts as empty, a truncated one does not.
    tables = {model._meta.db_table, Order._meta.db_table}
    sql.run(f"TRUNCATE {', '.join(tables)} CASCADE")
    sql.run("SET LOCAL enable_seqscan = off")
    assert asked
    return [json.dumps(sql.fetch(f"EXPLAIN (FORMAT JSON) {one}")) for one in asked]


@pytest.mark.parametrize(("name", "term"), SEARCHES)
def test_a_search_goes_through_an_index(admin_client, name, term):
    model = GROWING[name]
    asked = [one for one in statements(admin_client, model, q=term) if term in one]
    for plan in plans(model, asked):
        assert "Index Cond" in plan
        assert "Filter" not in plan
        assert "Seq Scan" not in plan


def test_a_pasted_id_may_bring_spaces_along(admin_client, place):
    order = place()
    page = admin_client.get(
        reverse("admin:orders_order_changelist"), {"q": f" {order.pk}\t"}
    )
    assert [*page.context["cl"].result_list] == [order]


FEW = {
    "Order": ("pending", "open_orders"),
    "Payment": ("voiding", "open_payments"),
    "Shipment": ("released", "open_shipments"),
    "Refund": ("requested", "refund_requested"),
    "Notification": ("failed", "notification_unsent"),
}

#: What a plan says where it goes through an index for its condition.
INDEXED = ("Index Cond", *(index for _, index in FEW.values()))


@pytest.mark.parametrize("name", FEW)
def test_what_people_look_for_is_found_through_its_own_index(admin_client, name):
    status, index = FEW[name]
    asked = statements(admin_client, GROWING[name], status=status)
    for plan in plans(GROWING[name], asked):
        assert index in plan


#: Words of which ten thousand rows are found soon. Of a rarer one, which has no index
#: either, the filter would read the whole table: it is not to be offered.
FREQUENT = {
    "Order": {"completed", "cancelled", "prepaid", "cod", "normal", "urgent"},
    "Payment": {"settled", "collected", "failed", "cancelled", "prepaid", "cod"},
    "Refund": {"voided", "refunded"},
    "GatewayEntry": {"authorised", "captured", "refunded", "declined"},
    "Reservation": {"committed", "released"},
    "Shipment": {"delivered", "cancelled"},
    # Of the other types there may be few: a shop may take no cash.
    "AuditRecord": {*USUAL},
}


def queries_of_filters(client, model):
    """Return what each choice of each filter adds to the list's address."""
    page = client.get(list_of(model)).context["cl"]
    choices = [one for spec in page.filter_specs for one in spec.choices(page)]
    return [dict(parse_qsl(one["query_string"].removeprefix("?"))) for one in choices]


@pytest.mark.parametrize("name", sorted(GROWING.keys() - {"Notification"}))
def test_every_word_of_every_filter_is_frequent_or_found_through_an_index(
    admin_client, admin_user, place, name
):
    FailedOrder.objects.create(
        event_id=AN_ID,
        order=place(),
        reason="declined",
        failed_at=utc_now(),
        person=admin_user,
    )
    queries = queries_of_filters(admin_client, GROWING[name])
    assert queries
    for query in queries:
        if query and not FREQUENT.get(name, set()) & set(query.values()):
            asked = statements(admin_client, GROWING[name], **query)
            for plan in plans(GROWING[name], [one for one in asked if "COUNT(" in one]):
                assert any(word in plan for word in INDEXED), (query, plan)


def test_who_looks_after_failed_orders_is_not_searched_among_all_logins(admin_client):
    with CaptureQueriesContext(connection) as seen:
        assert admin_client.get(list_of(FailedOrder)).status_code == 200
    told = [one["sql"] for one in seen.captured_queries]
    logins = [one for one in told if 'FROM "auth_user"' in one]
    assert logins
    assert all('WHERE "auth_user"."id"' in one for one in logins)


@pytest.mark.parametrize("status", ["pending", "paid", "shipped"])
def test_staff_find_open_orders_over_the_api_through_their_own_index(
    admin_client, status
):
    with CaptureQueriesContext(connection) as seen:
        assert admin_client.get("/api/orders/", {"status": status}).status_code == 200
    asked = [one["sql"] for one in seen.captured_queries if "LIMIT 51" in one["sql"]]
    [plan] = plans(Order, asked)
    assert "open_orders" in plan


@pytest.mark.parametrize("filter_", ["created_before", "created_after"])
def test_a_list_of_orders_of_some_time_reads_none_of_another(admin_client, filter_):
    query = {filter_: "2025-01-01T00:00:00Z"}
    with CaptureQueriesContext(connection) as seen:
        assert admin_client.get("/api/orders/", query).status_code == 200
    asked = [one["sql"] for one in seen.captured_queries if "LIMIT 51" in one["sql"]]
    [plan] = plans(Order, asked)
    assert "orders_order_pkey" in plan
    assert '"Index Cond": "(id ' in plan


def test_an_action_takes_what_is_ticked_and_not_the_whole_table(place, admin_client):
    orders = [place() for _ in range(2)]
    form = {"action": "cancel", "select_across": "1", "_selected_action": orders[0].pk}
    answer = admin_client.post(list_of(Order), form, follow=True)
    assert growing.ONE_PAGE in answer.content.decode()
    assert not Order.objects.filter(status="cancelled").exists()


def test_a_list_does_not_offer_to_tick_the_whole_table(
    place, admin_client, monkeypatch
):
    monkeypatch.setattr(OrderAdmin, "list_per_page", 1)
    place(), place()
    page = admin_client.get(list_of(Order)).content.decode()
    assert "0 of 1 selected" in page
    assert "across all pages" not in page


def test_only_the_dead_letter_desk_works_on_all_its_rows_at_once():
    assert not REGISTERED[DeadLetter].one_page_at_a_time
    assert all(REGISTERED[model].one_page_at_a_time for model in GROWING.values())


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("Payment", "token__startswith"),
        ("Payment", "country"),
        ("Order", "email__contains"),
        ("Order", "method__contains"),
        ("AuditRecord", "body__contains"),
        ("FailedOrder", "order__email__startswith"),
    ],
)
def test_a_lists_address_asks_of_no_column_but_those_of_its_filters(
    admin_client, name, guess
):
    assert admin_client.get(list_of(GROWING[name]), {guess: "t"}).status_code == 400


def test_of_many_rows_one_knows_that_there_are_more(place, admin_client, monkeypatch):
    monkeypatch.setattr(growing, "MOST", 2)
    monkeypatch.setattr(OrderAdmin, "list_per_page", 1)
    orders = [place(), place()]
    first = admin_client.get(list_of(Order)).content.decode()
    assert "2 orders" in first
    assert "2+ orders" not in first

    place()
    assert "2+ orders" in admin_client.get(list_of(Order)).content.decode()
    last = admin_client.get(list_of(Order), {"p": 2}).context["cl"]
    assert [one.pk for one in last.result_list] == [orders[1].pk]


def test_a_count_of_thousands_is_written_as_people_do():
    assert str(growing.OrMore(10_000)) == "10,000+"


def test_the_desk_counts_like_the_others():
    assert REGISTERED[FailedOrder].paginator is Pages
