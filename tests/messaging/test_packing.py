"""How much the relay takes at once."""

import pytest
from django.db import transaction

from orders_project.messaging import envelope, outbox, packing
from orders_project.messaging.events import OrderPaid, OrderShipped, new_id

pytestmark = pytest.mark.django_db(transaction=True)


def say(count):
    """Have so many events in one parcel."""
    with transaction.atomic():
        outbox.append(
            *(
                OrderPaid(order_id=new_id(), total_cents=1, currency="USD")
                for _ in range(count)
            )
        )


def taken():
    with transaction.atomic():
        return [len(parcel.event_ids) for parcel in packing.take()]


def test_parcels_of_many_events_go_out_a_few_at_a_time():
    """An urgent one waits behind all that is taken with them."""
    for _ in range(6):
        say(500)

    assert taken() == [500] * 4
    assert taken() == [500] * 2


def test_parcels_of_one_event_go_out_by_the_hundred(django_assert_num_queries):
    for _ in range(100):
        say(1)

    with django_assert_num_queries(7):  # BEGIN, 4 + 8 + 16 + 32 + 64 parcels, COMMIT
        assert taken() == [1] * 100


def test_no_message_is_larger_than_a_worker_reads_in_any_script():
    with transaction.atomic():
        outbox.append(
            *(
                OrderShipped(order_id=new_id(), tracking="茶" * 1_000)
                for _ in range(400)
            )
        )
        groups = list(packing.groups_of(list(packing.take())))

    sizes = [len(packing.message("1", group).body.encode()) for group in groups]
    assert len(sizes) > 1
    assert max(sizes) < envelope.MAX_BYTES
