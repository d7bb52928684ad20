"""An error of PostgreSQL is told everywhere without the row that it is about."""

import logging.config

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, transaction

from orders_project.messaging import retry, sql, telling
from orders_project.messaging.desk import rehearsal, replays
from orders_project.messaging.models import DeadLetterAction
from tests.messaging.desk import QUEUE, dead, letter_of, listen, paid

pytestmark = pytest.mark.django_db

ADA = "ada@example.org"
COMPLAINT = 'null value in column "events" of relation "messaging_work"'


def insert(*_events):
    with transaction.atomic():
        sql.run(
            "INSERT INTO messaging_work (queue, outcome, events) VALUES (%s, '', NULL)",
            [ADA],
        )


@pytest.fixture
def error():
    with pytest.raises(IntegrityError, match=ADA) as caught:
        insert()
    return caught.value


@pytest.mark.parametrize("header", ["x-exception", "x-traceback"])
def test_the_headers_of_what_failed_tell_what_was_wrong(error, header):
    told = retry.failure({}, error)[header]

    assert COMPLAINT in told
    assert ADA not in told


def test_the_traceback_keeps_every_error_of_the_chain(error):
    told = telling.trace(error)

    assert "psycopg2.errors.NotNullViolation: null value" in told
    assert "The above exception was the direct cause" in told
    assert "django.db.utils.IntegrityError: null value" in told
    assert ADA not in told


def test_what_is_parked_tells_what_was_wrong(error, rungs):
    retry.park(dead("{}"), f"Every retry was used up: {error}", error)

    [sent] = rungs
    assert COMPLAINT in sent[-1]["x-reason"]
    assert ADA not in str(sent[-1])


def test_a_replay_that_failed_tells_what_was_wrong(error):
    letter = letter_of(paid())
    replays.retried(QUEUE.name, {replays.HEADER: letter.pk}, repr(error))

    why = DeadLetterAction.objects.get().why
    assert COMPLAINT in why
    assert ADA not in why


def test_a_dry_run_tells_what_would_be_wrong(monkeypatch, admin_client, capsys):
    listen(monkeypatch, insert)
    letter = letter_of(paid())

    found = rehearsal.rehearse(letter)
    shown = admin_client.post(f"/admin/messaging/deadletter/{letter.pk}/dry-run/")
    call_command("dead", "replay", letter.pk, "--dry-run")
    texts = [*found, shown.content.decode(), capsys.readouterr().out]

    assert COMPLAINT in found.verdict
    assert [text for text in texts if ADA in text] == []


@pytest.mark.parametrize("form", ["%r", "%s"])
def test_the_log_tells_what_was_wrong(error, form):
    record = logging.LogRecord(
        *("name", logging.ERROR, __file__, 1, f"Parked: {form}", (error,)),
        exc_info=(type(error), error, error.__traceback__),
    )
    line = configured().format(record)

    assert line.count(COMPLAINT) == 3
    assert "The above exception was the direct cause" in line
    assert ADA not in line


def configured():
    """The formatter as the settings configure it."""
    line = dict(settings.LOGGING["formatters"]["line"])
    return logging.config.DictConfigurator({}).configure_formatter(line)


def test_other_errors_are_told_whole():
    assert telling.words(ValueError("one\ntwo")) == "ValueError: one\ntwo"
