from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import services
from orders.errors import (
    InvalidOrderError,
    KeyReusedError,
    PriceChangedError,
    UnknownProductError,
)
from orders.models import IdempotencyKey, Order, OrderLine
from orders.pricing import Item, NewOrder
from orders.services import keys
from orders.services.placing import Placed
from orders_project.messaging.events import URGENT, Line, OrderCreated
from orders_project.messaging.models import Parcel
from tests.bus import said


def test_an_order_is_stored_at_the_catalogues_prices_and_announced(place):
    order = place(items=[Item(sku="KETTLE", quantity=2), Item(sku="TEAPOT")])

    stored = Order.objects.get()
    assert stored.total_cents == 2 * 4500 + 1999
    assert [(line.sku, line.quantity) for line in stored.content] == [
        ("KETTLE", 2),
        ("TEAPOT", 1),
    ]
    [event] = said()
    assert isinstance(event, OrderCreated)
    assert event.order_id == str(order.id)
    assert event.category == "Kitchen"
    assert event.lines[0] == Line(sku="KETTLE", quantity=2, unit_cents=4500)


def test_an_urgent_order_says_so_in_every_event(place):
    place(priority="urgent")
    assert said()[0].priority == URGENT


def test_the_same_sku_on_two_lines_becomes_one(place):
    place(items=[Item(sku="TEAPOT", quantity=2), Item(sku="TEAPOT", quantity=3)])
    assert list(OrderLine.objects.values_list("sku", "quantity")) == [("TEAPOT", 5)]


def test_two_lines_of_a_sku_may_not_exceed_what_one_may(place):
    items = [Item(sku="TEAPOT", quantity=600), Item(sku="TEAPOT", quantity=600)]
    with pytest.raises(InvalidOrderError) as refused:
        place(items=items)
    assert refused.value.errors[0]["field"] == "items[0].quantity"


def test_an_unknown_product_is_named_and_nothing_is_stored(place):
    with pytest.raises(UnknownProductError) as refused:
        place(items=[Item(sku="TEAPOT"), Item(sku="NOPE")])
    assert refused.value.errors == [
        {"field": "items[1].sku", "detail": "'NOPE' is not in the catalogue."}
    ]
    assert not Order.objects.exists()
    assert said() == []


def test_a_product_that_is_no_longer_sold_cannot_be_ordered(place, catalogue):
    catalogue[0].active = False
    catalogue[0].save()
    with pytest.raises(UnknownProductError):
        place()


def test_a_given_price_is_a_check_and_never_taken_over(place):
    with pytest.raises(PriceChangedError) as refused:
        place(items=[Item(sku="TEAPOT", unit_cents=1)])
    assert refused.value.errors == [
        {
            "field": "items[0].unit_cents",
            "detail": "TEAPOT costs 1999 USD cents now.",
        }
    ]


def test_products_of_two_currencies_do_not_make_one_order(place, catalogue):
    catalogue[1].currency = "EUR"
    catalogue[1].save()
    with pytest.raises(InvalidOrderError):
        place(items=[Item(sku="TEAPOT"), Item(sku="KETTLE")])


def test_a_wrong_order_among_others_is_refused_alone(catalogue):
    good, wrong, other = services.place_each(
        [NewOrder(items=[Item(sku=sku)]) for sku in ("TEAPOT", "NOPE", "KETTLE")]
    )
    assert isinstance(wrong, UnknownProductError)
    assert set(Order.objects.all()) == {good.order, other.order}
    assert {event.order_id for event in said()} == {
        str(placed.order.id) for placed in (good, other)
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("key_of", [lambda _: "", str], ids=["no key", "a key each"])
def test_fifty_at_once_place_fifty_orders_in_fewer_transactions(catalogue, key_of):
    def place(number):
        try:
            request = NewOrder(items=[Item(sku="TEAPOT")], key=key_of(number))
            return services.place_together(request).order.id
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        placed = set(threads.map(place, range(50)))

    assert placed == set(Order.objects.values_list("id", flat=True))
    assert len(said(OrderCreated)) == len(placed) == 50
    assert Parcel.objects.count() < 50


def test_five_hundred_orders_take_as_many_statements_as_one(catalogue):
    def statements(count):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            services.place_orders(
                [NewOrder(items=[Item(sku="TEAPOT")]) for _ in range(count)]
            )
        return len(queries)

    assert statements(1) == statements(500)


def test_of_one_batch_each_gets_what_its_key_stands_for(catalogue):
    def wanted(key, sku="TEAPOT"):
        return NewOrder(items=[Item(sku=sku)], key=key)

    [first] = services.place_each([wanted("a")])
    again, fresh, copy, reused, wrong, keyless = services.place_each(
        [
            wanted("a"),
            wanted("b"),
            wanted("b"),
            wanted("a", "KETTLE"),
            wanted("c", "NOPE"),
            wanted(""),
        ]
    )

    assert again == Placed(first.order, replayed=True)
    assert copy == Placed(fresh.order, replayed=True)
    assert not fresh.replayed
    assert isinstance(reused, KeyReusedError)
    assert isinstance(wrong, UnknownProductError)
    assert {first.order, fresh.order, keyless.order} == set(Order.objects.all())
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"a", "b"}


def test_a_product_that_is_gone_does_not_undo_what_a_key_stands_for(catalogue):
    def wanted():
        return NewOrder(items=[Item(sku="TEAPOT")], key="a")

    [first] = services.place_each([wanted()])
    catalogue[0].active = False
    catalogue[0].save()

    assert services.place_each([wanted()]) == [Placed(first.order, replayed=True)]


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_with_one_key_place_one_order(catalogue):
    def place(_):
        try:
            request = NewOrder(items=[Item(sku="TEAPOT")], key="the-key")
            return services.place_together(request)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        placed = list(threads.map(place, range(50)))

    assert Order.objects.count() == 1
    assert len({one.order.id for one in placed}) == 1
    assert sum(not one.replayed for one in placed) == 1


def test_a_field_that_a_release_adds_refuses_no_retry_from_before():
    class Later(NewOrder, frozen=True, kw_only=True):
        gift: bool = False

    order = {"items": [Item(sku="TEAPOT")], "email": "ada@example.org", "key": "a"}
    before = keys.fingerprint(NewOrder(**order))
    assert keys.fingerprint(Later(**order)) == before
    assert keys.fingerprint(Later(**order, gift=True)) != before
    assert keys.fingerprint(NewOrder(**order, country="DE")) != before
