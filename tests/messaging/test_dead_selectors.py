"""What the list of dead letters tells beside the letters."""

import pytest

from orders_project.messaging import inbox
from orders_project.messaging.desk import selectors, services
from tests.messaging.desk import BY, EVERY, QUEUE, letter_of, paid

pytestmark = pytest.mark.django_db


def test_the_list_says_what_happened_since(handler):
    letter_of(paid())
    services.replay(EVERY(), **BY)
    event = paid()
    letter_of(event)
    inbox.take_new(QUEUE.name, [event])

    newest, oldest = selectors.with_history(EVERY())
    assert selectors.since(oldest) == "Replayed by ada: fixed in 1.4"
    assert selectors.since(newest) == "its queue has handled it meanwhile"
