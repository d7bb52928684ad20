"""`manage.py audit --verify` finds every way to tamper with the record."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import AuditRecord
from audit.selectors import records, unrecorded, violations
from orders_project.messaging.events import OrderPaid, new_id
from orders_project.messaging.models import LoggedEvent
from tests.audit.conftest import created, record, say, story

pytestmark = pytest.mark.django_db


def tamper(statement, *params):
    """Do what only the owner of the table can: switch the trigger off."""
    table = AuditRecord._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
        cursor.execute(statement.format(table), params)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER append_only")


def verify(**options):
    out = StringIO()
    call_command("audit", verify=True, stdout=out, **options)
    return out.getvalue()


def test_a_whole_record_verifies_and_says_what_was_checked(recorded):
    said = verify()

    assert "Checked 4 records against 4 events: every chain verifies" in said


def test_a_changed_body_is_found_with_order_record_and_event(recorded):
    paid = recorded[1]
    tamper(
        "UPDATE {} SET body = replace(body, '3998', '1') WHERE event_id = %s", paid.id
    )

    with pytest.raises(CommandError) as error:
        verify()

    said = str(error.value)
    assert f"Order {paid.order_id}, record 2, event {paid.id} (order.paid)" in said
    assert "its body does not fit its hash" in said
    assert "2 violations" in said  # the log says otherwise, too


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM {} WHERE seq = 2", "record 2 is missing before it"),
        ("DELETE FROM {} WHERE seq = 1", "record 1 is missing before it"),
        ("DELETE FROM {} WHERE seq = 4", "in the log, but not recorded"),
        ("UPDATE {} SET hash = 'x' WHERE seq = 4", "does not fit its hash"),
        ("UPDATE {} SET previous_hash = 'x' WHERE seq = 3", "does not continue"),
        ("UPDATE {} SET type = 'order.lost' WHERE seq = 3", "columns do not say"),
        ("UPDATE {} SET time = now() WHERE seq = 3", "columns do not say"),
        ("UPDATE {} SET seq = 9 WHERE seq = 4", "record 4 is missing before it"),
    ],
)
def test_each_way_to_tamper_is_told_in_words(recorded, change, words):
    tamper(change)

    assert words in " ".join(violations())


def test_a_chain_made_anew_with_another_body_is_found_by_the_log(recorded):
    others = story()
    record(*others)
    say(*others)
    LoggedEvent.objects.filter(id=others[0].id).update(body="{}")

    [said] = violations()
    assert f"event {others[0].id} (order.created): the record says something" in said


def test_an_event_that_was_never_recorded_is_found():
    event = created()
    say(event)

    assert "in the log, but not recorded" in next(violations())
    assert [one.type for one in unrecorded()] == ["order.created"]


def test_an_event_whose_cause_is_not_recorded_is_found():
    orphan = OrderPaid(order_id=new_id(), cause=new_id(), total_cents=1, currency="USD")
    say(orphan)
    record(orphan)

    assert f"its cause, event {orphan.cause}, is not recorded" in next(violations())


def test_one_order_is_verified_alone(recorded):
    broken = story()
    record(*broken)
    tamper("UPDATE {} SET hash = 'x' WHERE event_id = %s", broken[0].id)

    assert "Checked 4 records" in verify(order=recorded[0].order_id)
    with pytest.raises(CommandError, match="violations"):
        verify(order=broken[0].order_id)


def test_an_order_nobody_knows_is_said_to_be_unknown():
    with pytest.raises(CommandError, match="Nothing is known of order"):
        verify(order=new_id())


def test_what_is_no_order_id_is_refused_by_the_option_s_name():
    with pytest.raises(CommandError, match="--order: 'x' is no order's id"):
        call_command("audit", "--verify", "--order", "x")


def test_only_the_first_violations_are_listed(recorded):
    for _ in range(30):
        say(created())
    out = StringIO()

    with pytest.raises(CommandError, match="30 violations"):
        call_command("audit", verify=True, stdout=out)

    assert len(out.getvalue().splitlines()) == 20
    assert records().count() == 4
