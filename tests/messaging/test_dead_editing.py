"""The data of a letter is mended: checked as the event is, and the change kept."""

import pytest

from orders_project.messaging.desk import recording, services
from orders_project.messaging.events import new_id
from tests.messaging.desk import BY, EVERY, dead, deliver, letter_of, paid, step_letter

pytestmark = pytest.mark.django_db


def edit(letter, data, **how):
    how = {"seen": services.version(letter)} | BY | how
    return services.edit(letter.pk, data, **how)


def test_the_data_can_be_mended_and_the_change_is_kept(handler):
    event = paid()
    letter = letter_of(event)
    original = bytes(letter.body)
    change = edit(letter, '{"total_cents": 5, "currency": "USD"}')

    assert '-    "total_cents": 1999' in change
    assert '+    "total_cents": 5' in change
    letter.refresh_from_db()
    assert bytes(letter.original) == original
    assert letter.actions.get().change == change == services.change(letter)
    services.replay(EVERY(), **BY)
    deliver()
    (heard,) = handler.handled
    assert heard.total_cents == 5
    assert (heard.id, heard.order_id, heard.time) == (
        event.id,
        event.order_id,
        event.time,
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"total_cents": "5", "currency": "USD"}', "total_cents"),
        ('{"total_cents": 5}', "currency"),
        (
            '{"total_cents": 5, "currency": "USD", "totl": 1}',
            "order.paid has no field 'totl'; it has currency, total_cents",
        ),
        ('{"total_cents": 5, "currency": "USD", "order_id": "x"}', "'order_id'"),
        ("[]", "must be one JSON object"),
        ("{", "must be one JSON object"),
        ("\ud800", "must be one JSON object"),
        ('{"a":' * 5_000, "must be one JSON object"),
    ],
)
def test_what_the_event_does_not_take_is_refused_with_the_fields_name(data, said):
    letter = letter_of(paid())

    with pytest.raises(services.EditError, match=said):
        edit(letter, data)
    letter.refresh_from_db()
    assert letter.original is None


def test_two_people_do_not_overwrite_one_another():
    letter = letter_of(paid())
    edit(letter, '{"total_cents": 5, "currency": "USD"}')

    with pytest.raises(services.EditError, match="Somebody else"):
        edit(letter, '{"total_cents": 6, "currency": "USD"}')


def test_what_died_again_keeps_what_was_mended():
    event = paid()
    letter = letter_of(event)
    edit(letter, '{"total_cents": 5, "currency": "USD"}')
    letter = letter_of(event)

    assert b'"total_cents":5' in bytes(letter.body)


def test_steps_and_rubbish_are_not_edited():
    recording.record(dead("not JSON"))
    step = step_letter("payments.tasks.capture", new_id(), "payment.prepaid.queue")
    for letter, said in ((EVERY().get(kind="raw"), "nudge ORDER"), (step, "locked")):
        with pytest.raises(services.EditError, match=said):
            edit(letter, "{}")
