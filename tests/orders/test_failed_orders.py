"""The failed-order desk: what is on it, and what may be placed again."""

import pytest

from orders import services
from orders.errors import InvalidOrderError, PriceChangedError
from orders.models import FailedOrder, Order, Product
from orders_project.messaging.events import PaymentFailed, StockRanOut
from orders_project.messaging.topology import FAILED_ORDER_QUEUE, ORDER_QUEUE
from tests.bus import hear


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


def test_where_the_gateway_did_not_answer_nothing_was_refused(fails):
    failure = fails(PaymentFailed, reason="gateway_unreachable")
    assert services.place_again(failure).pk != failure.order_id


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
    services.assign(first, person=admin_user, note="counted")
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
