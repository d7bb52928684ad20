"""What was said by an older release can be read by this one."""

import msgspec
import pytest

from orders_project.messaging.events import EVENTS, Event, Line

#: The fields that each type was born with, and has no default for.
BORN_WITH = {
    "order.created": {
        *("lines", "total_cents", "currency", "method", "payment_token"),
        *("country", "category", "email", "phone"),
    },
    "order.paid": {"total_cents", "currency"},
    "order.shipped": {"tracking"},
    "order.delivery_confirmed": set(),
    "order.completed": set(),
    "order.cancelled": {"reason"},
    "inventory.reserved": {
        *("total_cents", "currency", "method", "payment_token", "country"),
    },
    "inventory.out_of_stock": {"skus"},
    "inventory.committed": set(),
    "inventory.released": set(),
    "payment.success": {"amount_cents", "currency", "method", "country"},
    "payment.failed": {"reason"},
    "payment.cod_accepted": {"amount_cents", "currency", "country"},
    "payment.refunded": {"amount_cents", "currency"},
    "shipping.prepared": {"carrier", "tracking"},
    "shipping.delivered": set(),
}
WITHOUT_DEFAULT = (
    "{} has no default for {}. What was said before is sent again from the log and "
    "would be parked, for it has no such field: give it a default."
)
RENAMED = "{} no longer has {}: who reads it elsewhere, and the log, still do."


def required(struct):
    return {one.name for one in msgspec.structs.fields(struct) if one.required}


def test_every_type_is_here_with_the_fields_that_it_was_born_with():
    assert BORN_WITH.keys() == EVENTS.keys(), "a new type belongs into BORN_WITH"


@pytest.mark.parametrize("kind", BORN_WITH)
def test_a_field_that_comes_later_has_a_default(kind):
    later = required(EVENTS[kind]) - BORN_WITH[kind] - {"order_id"}

    assert not later, WITHOUT_DEFAULT.format(kind, ", ".join(sorted(later)))


@pytest.mark.parametrize("kind", BORN_WITH)
def test_a_field_is_never_renamed_or_taken_away(kind):
    gone = BORN_WITH[kind] - {*EVENTS[kind].__struct_fields__}

    assert not gone, RENAMED.format(kind, ", ".join(sorted(gone)))


def test_so_it_is_with_what_all_have_in_common_and_with_lines():
    assert required(Event) == {"order_id"}
    assert required(Line) == {"sku", "quantity", "unit_cents"}
