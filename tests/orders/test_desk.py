"""The failed-order desk, the sweeper, and both in the admin."""

import re
from contextlib import closing
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections
from django.urls import reverse

from orders import selectors, services, tasks
from orders.errors import InvalidOrderError, PriceChangedError
from orders.models import FailedOrder, Order, Product
from orders.services.nudging import IDLE
from orders_project.messaging import sql
from orders_project.messaging.events import (
    OrderCancelled,
    PaymentFailed,
    StockRanOut,
    utc_now,
)
from orders_project.messaging.models import Nudge, Parcel
from orders_project.messaging.topology import FAILED_ORDER_QUEUE, ORDER_QUEUE
from orders_project.panels import PANELS
from tests.bus import hear, said

SWEEP = "orders.services.nudging.nudge_idle_orders"


@pytest.fixture
def fails(place):
    def fails(kind, **data):
        order = place(reference="R-1", email="dana@example.org")
        event = kind(order_id=str(order.id), **data)
        hear(FAILED_ORDER_QUEUE, event, event)
        hear(ORDER_QUEUE, event)
        return FailedOrder.objects.get(order=order)

    return fails


def test_a_failure_is_on_the_desk_once_with_its_reason(fails):
    failure = fails(StockRanOut, skus=("TEAPOT", "KETTLE"))
    assert (failure.reason, failure.detail) == ("out_of_stock", "TEAPOT, KETTLE")
    assert fails(PaymentFailed, reason="declined").reason == "declined"


def test_what_ran_out_can_be_placed_again_once(fails):
    failure = fails(StockRanOut, skus=("TEAPOT",))
    again = services.place_again(failure)
    assert again.reference == "R-1"
    assert again.email == "dana@example.org"
    assert again.pk != failure.order_id
    with pytest.raises(InvalidOrderError):
        services.place_again(failure)


def ran_out(order):
    return StockRanOut(order_id=str(order.id), skus=("TEAPOT",))


def test_nobody_is_charged_for_what_they_called_off_while_stock_was_asked_for(order):
    services.cancel_order(order.id)
    hear(FAILED_ORDER_QUEUE, ran_out(order))
    hear(ORDER_QUEUE, ran_out(order))

    with pytest.raises(InvalidOrderError) as error:
        services.place_again(FailedOrder.objects.get())
    assert error.value.errors == [
        {
            "field": f"order {order.id}",
            "detail": "It was cancelled as customer, and not as out_of_stock.",
        }
    ]
    assert Order.objects.count() == 1


def test_an_order_that_is_not_cancelled_yet_is_not_placed_beside_itself(order):
    hear(FAILED_ORDER_QUEUE, ran_out(order))
    with pytest.raises(InvalidOrderError):
        services.place_again(FailedOrder.objects.get())


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


def test_of_two_rows_of_the_same_reason_one_is_placed_again(fails):
    first = fails(StockRanOut, skus=("TEAPOT",))
    hear(FAILED_ORDER_QUEUE, ran_out(first.order))
    other = FailedOrder.objects.exclude(pk=first.pk).get()
    again = services.place_again(first)

    with pytest.raises(InvalidOrderError) as error:
        services.place_again(other)
    assert str(again.id) in error.value.errors[0]["detail"]


def why_not_again(failure):
    with pytest.raises(InvalidOrderError) as refused:
        services.place_again(failure)
    return refused.value.errors[0]["detail"]


def test_what_was_declined_cannot_be_placed_again(fails):
    why = why_not_again(fails(PaymentFailed, reason="declined"))
    assert why == "After declined the customer must pay in another way."


def test_what_the_reconciler_found_is_no_matter_of_paying(order):
    services.record_findings([(str(order.id), "stock_uneven", "2 of TEAPOT for 1")])
    why = why_not_again(FailedOrder.objects.get())
    assert why.startswith("The reconciler found")
    assert "pay" not in why


def test_what_is_found_again_shows_its_new_figures_and_keeps_its_note(
    order, admin_user
):
    def found(detail):
        services.record_findings([(str(order.id), "stock_uneven", detail)])
        return FailedOrder.objects.get()

    first = found("2 of TEAPOT for 1")
    services.hand_over(first, person=admin_user, note="counted")
    again = found("3 of TEAPOT for 1")
    assert again.detail == "3 of TEAPOT for 1"
    assert again.failed_at > first.failed_at
    assert (again.person, again.note) == (admin_user, "counted")


def test_nothing_is_placed_again_at_a_price_nobody_agreed_to(fails):
    failure = fails(StockRanOut, skus=("TEAPOT",))
    Product.objects.update(unit_cents=1)
    with pytest.raises(PriceChangedError):
        services.place_again(failure)
    assert Order.objects.count() == 1


def idle(order, seconds):
    Order.objects.filter(pk=order.pk).update(
        updated_at=utc_now() - timedelta(seconds=seconds)
    )
    Parcel.objects.all().delete()


def test_the_sweep_sends_the_events_of_idle_orders_again(order, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    assert tasks.sweep() == "1 orders nudged"
    assert [parcel.routing_key for parcel in Parcel.objects.all()] == ["order.created"]
    assert tasks.sweep() == "0 orders nudged"


def test_a_sweep_is_on_the_orders_timeline_and_counted_by_stats(
    order, settings, capsys
):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    tasks.sweep()
    call_command("stats")

    assert re.search(r"nudges by sweeper\s*│\s*1", capsys.readouterr().out)
    swept = selectors.timeline(order.pk, for_staff=False)[-1]
    assert (swept["type"], swept["data"]["by"]) == ("nudged", "sweeper")


def test_each_nudge_doubles_the_wait_for_the_next(order, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    idle(order, 101)
    tasks.sweep()
    idle(order, 199)
    assert tasks.sweep() == "0 orders nudged"
    idle(order, 201)
    assert tasks.sweep() == "1 orders nudged"


def swept():
    return set(Nudge.objects.values_list("order_id", flat=True))


def test_of_many_orders_the_young_in_trouble_come_first_and_parcels_last(
    place, settings, monkeypatch
):
    settings.CARRIER_DELIVERY_SECONDS = 0
    monkeypatch.setattr("orders.services.nudging.BATCH", 1)
    shipped, nudged, fresh = place(), place(), place()
    Order.objects.filter(pk=shipped.pk).update(status="shipped")
    Order.objects.filter(pk=nudged.pk).update(nudges=1)
    Order.objects.update(updated_at=utc_now() - timedelta(days=30))

    for first in ({fresh.pk}, {fresh.pk, nudged.pk}, {fresh.pk, nudged.pk, shipped.pk}):
        assert tasks.sweep() == "1 orders nudged"
        assert swept() == first


def test_the_sweep_reads_open_orders_alone(order):
    sql.run("SET LOCAL enable_seqscan = off")  # as in a worker: messaging/plans.py
    plan = str(sql.fetch(f"EXPLAIN {IDLE}", [300, 0, 500]))
    assert "open_orders" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(("carrier", "seconds"), [(7200, 7200), (None, 24 * 3600)])
def test_a_parcel_on_the_road_is_given_the_carriers_time_or_a_day(
    order, settings, carrier, seconds
):
    settings.SWEEP_IDLE_SECONDS, settings.CARRIER_DELIVERY_SECONDS = 100, carrier
    Order.objects.filter(pk=order.pk).update(status="shipped")
    idle(order, seconds + 99)
    assert tasks.sweep() == "0 orders nudged"
    idle(order, seconds + 101)
    assert tasks.sweep() == "1 orders nudged"


def test_the_sweep_leaves_alone_what_moves_and_what_is_done(place, settings):
    settings.SWEEP_IDLE_SECONDS = 100
    place()
    done = place()
    services.cancel_order(done.id)
    idle(done, 1000)
    assert tasks.sweep() == "0 orders nudged"


@pytest.mark.django_db(transaction=True)
def test_one_sweep_at_a_time(place, settings):
    idle(place(), 10_000)
    other = connections.create_connection("default")
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [SWEEP])
        assert tasks.sweep() == "0 orders nudged"
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [SWEEP])
    assert tasks.sweep() == "1 orders nudged"


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
    services.hand_over(hers, person=colleague, note="")
    services.hand_over(ours, person=admin_user, note="")

    def shown(**query):
        return admin_client.get(page("failedorder_changelist"), query).context["cl"]

    [choices] = (one for one in shown().filter_specs if one.title == "person")
    assert {name for _, name in choices.lookup_choices} == {"nobody", "ada", "admin"}
    assert list(shown(person=colleague.pk).result_list) == [hers]
    assert list(shown(person="nobody").result_list) == [nobodys]
    assert list(shown(person="\0").result_list) == [nobodys]


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
