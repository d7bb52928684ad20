"""Reserving, selling and giving back."""

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from inventory import services
from inventory.models import Reservation, ReservationLine, StockItem
from orders_project.messaging.events import (
    OrderCancelled,
    PaymentFailed,
    PaymentSucceeded,
    StockCommitted,
    StockRanOut,
    StockReleased,
    StockReserved,
)
from orders_project.messaging.topology import INVENTORY_QUEUE
from tests.bus import hear, said
from tests.events import created, lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def teapots():
    services.receive_stock({"TEAPOT": 5, "KETTLE": 1})
    return StockItem.objects.get(sku="TEAPOT")


def paid(event):
    return event.then(
        PaymentSucceeded,
        amount_cents=100,
        currency="USD",
        method="prepaid",
        country="US",
    )


def test_reserving_holds_the_stock_and_announces_it(teapots):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))

    teapots.refresh_from_db()
    assert (teapots.on_hand, teapots.reserved) == (5, 2)
    (reserved,) = said(StockReserved)
    assert (reserved.order_id, reserved.cause) == (event.order_id, event.id)
    assert reserved.payment_token == "tok_ok"


def test_one_short_line_holds_nothing(teapots):
    hear(INVENTORY_QUEUE, created(lines=lines(TEAPOT=2, KETTLE=2)))

    teapots.refresh_from_db()
    assert teapots.reserved == 0
    assert [event.skus for event in said(StockRanOut)] == [("KETTLE",)]
    assert not ReservationLine.objects.exists()


def test_an_unknown_sku_is_out_of_stock(teapots):
    hear(INVENTORY_QUEUE, created(lines=lines(SAMOVAR=1)))

    assert [event.skus for event in said()] == [("SAMOVAR",)]


def test_the_same_sku_on_two_lines_is_reserved_together(teapots):
    hear(INVENTORY_QUEUE, created(lines=lines(TEAPOT=3) + lines(TEAPOT=3)))

    assert [event.skus for event in said()] == [("TEAPOT",)]


def test_a_batch_never_promises_more_than_there_is(teapots):
    hear(INVENTORY_QUEUE, *(created(lines=lines(TEAPOT=2)) for _ in range(4)))

    teapots.refresh_from_db()
    assert teapots.reserved == 4
    assert len(said(StockReserved)) == len(said(StockRanOut)) == 2


def test_a_smaller_order_still_gets_what_a_larger_one_could_not(teapots):
    hear(
        INVENTORY_QUEUE, created(lines=lines(TEAPOT=6)), created(lines=lines(TEAPOT=5))
    )

    assert [type(event) for event in said()] == [StockRanOut, StockReserved]


def test_hearing_an_order_twice_reserves_once(teapots):
    event = created(lines=lines(TEAPOT=2))
    hear(INVENTORY_QUEUE, event, event)
    hear(INVENTORY_QUEUE, event)

    teapots.refresh_from_db()
    assert teapots.reserved == 2
    assert len(said()) == 1


def test_another_event_for_the_same_order_reserves_nothing_more(teapots):
    event = created(lines=lines(TEAPOT=2))
    hear(INVENTORY_QUEUE, event)
    hear(INVENTORY_QUEUE, created(lines=lines(TEAPOT=2), order_id=event.order_id))

    teapots.refresh_from_db()
    assert teapots.reserved == 2


def test_payment_makes_the_reserved_stock_sold(teapots):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))
    hear(INVENTORY_QUEUE, paid(event))

    teapots.refresh_from_db()
    assert (teapots.on_hand, teapots.reserved, teapots.sold) == (3, 0, 2)
    assert len(said(StockCommitted)) == 1


@pytest.mark.parametrize("kind", [PaymentFailed, OrderCancelled])
def test_a_failed_order_gives_its_stock_back_once(teapots, kind):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))
    hear(INVENTORY_QUEUE, event.then(kind, reason="declined"))
    hear(INVENTORY_QUEUE, event.then(kind, reason="declined"))

    teapots.refresh_from_db()
    assert (teapots.on_hand, teapots.reserved) == (5, 0)
    assert len(said(StockReleased)) == 1


def test_a_failure_and_its_cancellation_in_one_batch_are_one_return(teapots):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))
    failed = event.then(PaymentFailed, reason="declined")
    hear(INVENTORY_QUEUE, failed, failed.then(OrderCancelled, reason="declined"))

    assert [back.cause for back in said(StockReleased)] == [failed.id]


def test_an_order_cancelled_after_payment_puts_its_units_back_on_the_shelf(teapots):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))
    hear(INVENTORY_QUEUE, paid(event))
    hear(INVENTORY_QUEUE, event.then(OrderCancelled, reason="customer"))

    teapots.refresh_from_db()
    assert (teapots.on_hand, teapots.reserved, teapots.sold) == (5, 0, 0)


def test_an_order_cancelled_before_it_was_heard_of_reserves_nothing(teapots):
    event = created(lines=lines(TEAPOT=2))
    hear(INVENTORY_QUEUE, event.then(OrderCancelled, reason="customer"))
    hear(INVENTORY_QUEUE, event)

    teapots.refresh_from_db()
    assert teapots.reserved == 0
    assert said() == []
    assert Reservation.objects.get().status == "released"


def test_a_payment_that_comes_after_the_cancellation_sells_nothing(teapots):
    hear(INVENTORY_QUEUE, event := created(lines=lines(TEAPOT=2)))
    hear(INVENTORY_QUEUE, event.then(OrderCancelled, reason="customer"))
    hear(INVENTORY_QUEUE, paid(event))

    teapots.refresh_from_db()
    assert (teapots.on_hand, teapots.sold) == (5, 0)
    assert said(StockCommitted) == []


def test_the_database_itself_refuses_to_promise_more_than_there_is(teapots):
    teapots.reserved = 6
    with pytest.raises(IntegrityError, match="never_more_promised"):
        teapots.save()


def test_stock_that_was_held_and_that_was_sold_is_locked_in_one_go(teapots):
    held, sold = created(lines=lines(TEAPOT=1)), created(lines=lines(KETTLE=1))
    hear(INVENTORY_QUEUE, held, sold)
    hear(INVENTORY_QUEUE, paid(sold))
    with CaptureQueriesContext(connection) as captured:
        hear(
            INVENTORY_QUEUE,
            *(one.then(OrderCancelled, reason="customer") for one in (held, sold)),
        )

    locks = [one["sql"] for one in captured if "FOR UPDATE" in one["sql"]]
    assert [("stockitem" in one, "reservation" in one) for one in locks] == [
        (False, True),
        (True, False),
    ]
    assert said(StockReleased)
    assert {(one.reserved, one.sold) for one in StockItem.objects.all()} == {(0, 0)}


@pytest.mark.parametrize("size", [1, 50])
def test_a_batch_takes_the_same_statements_whatever_its_size(
    teapots, size, django_assert_num_queries
):
    services.receive_stock({"TEAPOT": 100, "KETTLE": 100})
    events = [created(lines=lines(TEAPOT=1, KETTLE=1)) for _ in range(size)]
    with django_assert_num_queries(9):
        hear(INVENTORY_QUEUE, *events)
