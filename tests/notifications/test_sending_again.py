"""What failed is sent again when a person says so, and never otherwise."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.urls import reverse

from notifications import services
from notifications.channels.email import Email
from notifications.models import Notification
from orders_project.database import sql
from orders_project.messaging.events import utc_now
from orders_project.messaging.models import Nudge
from orders_project.messaging.topology import EMAIL_QUEUE
from tests.bus import hear, pump

pytestmark = pytest.mark.django_db
LIST = "admin:notifications_notification_changelist"


@pytest.fixture
def failed(order, monkeypatch):
    """Note a mail that a mail server refuses, and that then would take it."""

    def refuse(*_):
        raise ValueError("550 No such mailbox")

    with monkeypatch.context() as patch:
        patch.setattr(Email, "send", refuse)
        hear(EMAIL_QUEUE, order.created())
        pump()
    mail = Notification.objects.get()
    assert mail.status == "failed"
    return mail


@pytest.fixture
def press(client):
    """Press the button in the admin, as somebody with these permissions."""

    def press(mail, *may):
        bob = User.objects.create_user("bob", password="x", is_staff=True)
        bob.user_permissions.set(Permission.objects.filter(codename__in=may))
        client.force_login(bob)
        form = {"action": "send_again", "_selected_action": [mail.pk]}
        return client.post(reverse(LIST), form, follow=True).content.decode()

    return press


def fresh(mail):
    mail.refresh_from_db()
    return mail


def test_staff_have_a_failed_mail_sent_again_in_their_own_name(
    press, failed, mailoutbox
):
    said = press(failed, "view_notification", "change_notification")
    assert "On their way again: 1" in said
    pump()

    assert (fresh(failed).status, failed.reason) == ("sent", "")
    assert len(mailoutbox) == 1
    nudge = Nudge.objects.get()
    assert (nudge.order_id, nudge.what, nudge.by) == (
        failed.order_id,
        "created by email",
        "bob",
    )


def test_who_may_only_look_sends_nothing(press, failed):
    press(failed, "view_notification")
    assert fresh(failed).status == "failed"


@pytest.mark.parametrize("status", ["sent", "pending", "withdrawn", "skipped"])
def test_what_did_not_fail_is_left_alone(press, failed, status):
    Notification.objects.update(status=status)
    said = press(failed, "view_notification", "change_notification")

    assert "1 did not fail" in said
    assert fresh(failed).status == status


@pytest.mark.parametrize(("minutes", "count"), [(1, 0), (6, 1)])
def test_what_a_dead_worker_had_in_hand_counts_as_failed_after_a_while(
    failed, minutes, count
):
    ago = utc_now() - timedelta(minutes=minutes)
    Notification.objects.update(status="sending", changed=ago)

    assert sum(services.send_all_again(by="ada")) == count


@pytest.mark.parametrize("status", ["failed", "sending"])
@pytest.mark.parametrize("words", [["--all"], []])
def test_what_was_cancelled_is_not_confirmed_by_hand_either(order, status, words):
    hear(EMAIL_QUEUE, order.created(), order.paid(), order.cancelled())
    ago = utc_now() - timedelta(hours=1)
    Notification.objects.update(status=status, changed=ago)
    call_command("send_again", *(words or [str(order.id)]))

    again = Notification.objects.filter(status="pending")
    assert {one.milestone for one in again} == {"created", "paid", "cancelled"}


def test_it_may_take_longer_than_any_statement_of_a_worker(monkeypatch):
    seen = []

    def look(*_, **__):
        seen.extend(sql.fetch("SHOW statement_timeout"))
        yield 1

    monkeypatch.setattr(services, "send_all_again", look)
    call_command("send_again", "--all")

    assert seen == [("12h",)]
    assert sql.fetch("SHOW statement_timeout") == [("15s",)]


def test_what_failed_is_found_without_reading_what_was_sent():
    sql.run("SET LOCAL enable_seqscan = off")
    found = sql.fetch(f"EXPLAIN {services.ALL}", [utc_now()])
    plan = "\n".join(line for (line,) in found)

    assert plan.count("notification_unsent") >= 1
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("which", ["order", "all"])
def test_from_the_shell_it_is_an_orders_mails_or_all(failed, which, capsys):
    call_command("send_again", *([str(failed.order_id)], ["--all"])[which == "all"])
    pump()

    assert "Messages on their way again: 1" in capsys.readouterr().out
    assert fresh(failed).status == "sent"
    assert Nudge.objects.get().by.endswith("(shell)")
    with pytest.raises(CommandError, match="Nothing was sent"):
        call_command("send_again", "--all")


def test_all_are_sent_again_lot_by_lot_and_what_fails_meanwhile_is_left(
    order, monkeypatch, capsys
):
    hear(EMAIL_QUEUE, order.created(), order.paid())
    Notification.objects.update(status="failed")
    count = Notification.objects.count()
    monkeypatch.setattr(services, "LOT", 1)
    monkeypatch.setattr(services, "ALL", services.ALL.replace("LIMIT 10000", "LIMIT 1"))
    lots = services.send_all_again(by="ada")
    assert next(lots) == 1
    Notification.objects.filter(status="pending").update(
        status="failed", changed=utc_now() + timedelta(seconds=1)
    )
    assert sum(lots) == count - 1
    assert Notification.objects.get(status="failed")
