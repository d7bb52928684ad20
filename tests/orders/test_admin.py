"""Orders, failed orders and products in the admin."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from orders import selectors, services, tasks
from orders.models import FailedOrder, Order, Product
from orders_project.messaging.events import (
    OrderCancelled,
    PaymentFailed,
    StockRanOut,
    utc_now,
)
from orders_project.messaging.topology import FAILED_ORDER_QUEUE
from orders_project.panels import PANELS
from tests.bus import hear, said


def ran_out(order):
    return StockRanOut(order_id=str(order.id), skus=("TEAPOT",))


def page(name, *args):
    return reverse(f"admin:orders_{name}", args=args)


def test_an_orders_page_shows_all_there_is_to_know(place, admin_client, monkeypatch):
    order = place(reference="R-9")
    services.cancel_order(order.id)
    monkeypatch.setitem(
        PANELS, "Weather", lambda order_id: [("Sky", f"for {order_id}")]
    )
    answer = admin_client.get(page("order_change", order.id)).content.decode()
    for text in ("R-9", "TEAPOT", "Weather", f"for {order.id}", "order.cancelled"):
        assert text in answer


@pytest.mark.parametrize("reference", ["R-9", "01932c07-7c4e-7a33-8f0e-5b1f6a1c9d11"])
@pytest.mark.parametrize("term", ["id", "reference"])
def test_orders_are_found_by_id_and_reference(place, admin_client, reference, term):
    order = place(reference=reference)
    place()
    query = {"q": getattr(order, term)}
    answer = admin_client.get(page("order_changelist"), query)
    assert [row.pk for row in answer.context["cl"].result_list] == [order.pk]


def act(admin_client, name, action, *rows):
    return admin_client.post(
        page(f"{name}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    ).content.decode()


def test_the_action_cancels_through_the_service_and_says_what_came_of_it(
    place, admin_client
):
    order, gone = place(), place()
    Order.objects.filter(pk=gone.pk).update(status="shipped")
    answer = act(admin_client, "order", "cancel", order, gone)
    assert f"{order.id} is cancelled." in answer
    assert f"Order {gone.id} is shipped: it cannot be cancelled." in answer
    assert [event.reason for event in said(OrderCancelled)] == ["staff"]


def done_by(admin_client, name, row):
    shown = admin_client.get(page(f"{name}_history", row.pk)).content.decode()
    return re.findall(r"<td>(admin)</td>\s*<td>(.+?)</td>", shown)


def test_who_cancelled_and_who_nudged_stands_in_the_orders_history(order, admin_client):
    act(admin_client, "order", "nudge", order)
    act(admin_client, "order", "cancel", order)
    assert done_by(admin_client, "order", order) == [
        ("admin", "Nudged."),
        ("admin", f"{order.id} is cancelled."),
    ]


def test_who_placed_an_order_again_stands_in_the_failures_history(fails, admin_client):
    failure = fails(StockRanOut, skus=("TEAPOT",))
    act(admin_client, "failedorder", "place_again", failure)
    act(admin_client, "failedorder", "place_again", failure)  # refused, so not noted
    [(who, what)] = done_by(admin_client, "failedorder", failure)
    assert (who, "was placed again as" in what) == ("admin", True)


def test_an_order_that_failed_twice_is_placed_again_once(place, admin_client, settings):
    settings.ORDER_EXPIRY_SECONDS = 3600
    order = place()
    Order.objects.update(created_at=utc_now() - timedelta(seconds=3601))
    tasks.expire()
    hear(FAILED_ORDER_QUEUE, ran_out(order))
    assert FailedOrder.objects.count() == 2

    said = act(admin_client, "failedorder", "place_again", *FailedOrder.objects.all())
    assert said.count("was placed again as") == 1
    assert Order.objects.count() == 2


def test_an_order_cannot_be_edited(order, admin_client):
    answer = admin_client.post(page("order_change", order.id), {"status": "completed"})
    assert answer.status_code == 403
    assert admin_client.get(page("order_add")).status_code == 403
    assert admin_client.get(page("order_delete", order.id)).status_code == 403


def test_the_desk_places_again_and_hands_over(fails, admin_client, admin_user):
    failure = fails(StockRanOut, skus=("TEAPOT",))
    assert "was placed again as" in act(
        admin_client, "failedorder", "place_again", failure
    )
    admin_client.post(
        page("failedorder_change", failure.pk),
        {"person": admin_user.pk, "note": "call them", "reason": "forged"},
    )
    failure.refresh_from_db()
    assert (failure.person, failure.note) == (admin_user, "call them")
    assert failure.reason == "out_of_stock"


@pytest.mark.parametrize("term", ["id", "R-1"])
def test_failures_are_found_by_id_and_reference_of_their_order(
    fails, place, admin_client, term
):
    failure = fails(StockRanOut, skus=("TEAPOT",))
    hear(FAILED_ORDER_QUEUE, ran_out(place()))
    query = {"q": str(failure.order_id) if term == "id" else term}
    answer = admin_client.get(page("failedorder_changelist"), query)
    assert list(answer.context["cl"].result_list) == [failure]


def test_the_desk_is_filtered_by_the_reasons_that_are_on_it(fails, admin_client):
    declined = fails(PaymentFailed, reason="declined")
    fails(StockRanOut, skus=("TEAPOT",))
    fails(StockRanOut, skus=("KETTLE",))
    assert selectors.failure_reasons() == ["declined", "out_of_stock"]

    answer = admin_client.get(page("failedorder_changelist"), {"reason": "declined"})
    assert "?reason=out_of_stock" in answer.content.decode()
    assert list(answer.context["cl"].result_list) == [declined]


def test_the_desk_is_filtered_by_who_looks_after_it(
    fails, admin_client, admin_user, django_user_model
):
    colleague = django_user_model.objects.create_user("ada", is_staff=True)
    django_user_model.objects.create_user("idle", is_staff=True)
    hers, ours, nobodys = (fails(StockRanOut, skus=("TEAPOT",)) for _ in range(3))
    services.assign(hers, person=colleague, note="")
    services.assign(ours, person=admin_user, note="")

    def shown(**query):
        return admin_client.get(page("failedorder_changelist"), query).context["cl"]

    [choices] = (one for one in shown().filter_specs if one.title == "person")
    assert {name for _, name in choices.lookup_choices} == {"nobody", "ada", "admin"}
    assert list(shown(person=colleague.pk).result_list) == [hers]
    assert list(shown(person="nobody").result_list) == [nobodys]
    assert list(shown(person="x").result_list) == [nobodys]


def test_a_products_price_can_be_changed_but_not_its_sku(catalogue, admin_client):
    admin_client.post(
        page("product_change", "TEAPOT"),
        {
            "sku": "POT",
            "name": "Teapot",
            "category": "Kitchen",
            "unit_cents": 5,
            "currency": "USD",
            "active": "on",
        },
    )
    assert Product.objects.get(pk="TEAPOT").unit_cents == 5
    assert not Product.objects.filter(pk="POT").exists()


@pytest.mark.parametrize(("letters", "listed"), [(100, True), (101, False)])
def test_only_what_can_be_ordered_comes_into_the_catalogue(
    db, admin_client, api, letters, listed
):
    sku = "X" * letters
    product = {"sku": sku, "name": "n", "category": "c", "unit_cents": 1}
    product |= {"currency": "USD", "active": "on"}
    shown = admin_client.post(page("product_add"), product).content.decode()

    assert ("1 to 100 characters" in shown) != listed
    assert Product.objects.filter(pk=sku).exists() == listed
    answer = api().post("/api/orders/", {"items": [sku]}, format="json")
    assert (answer.status_code == 201) == listed


def test_a_product_whose_sku_was_always_too_long_can_still_be_taken_out(
    db, admin_client
):
    sku = "X" * 101
    Product.objects.create(
        sku=sku, name="n", category="c", unit_cents=1, currency="USD"
    )
    product = {"name": "n", "category": "c", "unit_cents": 1, "currency": "USD"}
    admin_client.post(page("product_change", sku), product)
    assert not Product.objects.get().active
