"""An error of PostgreSQL tells what was wrong, and not with whose data."""

import traceback

import pytest
from django.db import IntegrityError, transaction

from orders_project.database import sql
from orders_project.database.planned import Planned
from orders_project.messaging import retry
from orders_project.messaging.models import Work
from tests.messaging.desk import dead

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
COMPLAINT = 'null value in column "events" of relation "messaging_work"'
ADD = "INSERT INTO messaging_work (queue, outcome, events) VALUES (%s, '', NULL)"
WAYS = {
    "a statement": lambda: sql.run(ADD, [ADA]),
    "a planned one": lambda: sql.run(Planned(ADD), [ADA]),
    "the ORM": lambda: Work.objects.create(queue=ADA, events=None),
}


@pytest.fixture(params=WAYS)
def error(request):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        WAYS[request.param]()
    return caught.value


def test_it_and_what_it_came_from_show_no_row(error):
    for one in (error, error.__cause__):
        assert COMPLAINT in str(one)
        assert ADA not in f"{one} {one!r}"


def test_its_traceback_keeps_every_error_of_the_chain(error):
    told = "".join(traceback.format_exception(error))

    assert "psycopg2.errors.NotNullViolation: null value" in told
    assert "The above exception was the direct cause" in told
    assert "django.db.utils.IntegrityError: null value" in told
    assert ADA not in told


def test_a_message_that_is_parked_for_it_tells_what_was_wrong(error, rungs):
    retry.park(dead("{}"), f"Every retry was used up: {error}", error)

    [sent] = rungs
    assert COMPLAINT in sent[-1]["x-reason"]
    assert ADA not in str(sent[-1])
