"""What a mail server answers: only what surely was not taken is tried again."""

import pytest

from notifications import delivery
from notifications.models import Notification
from orders_project.messaging.topology import EMAIL_QUEUE, RUNGS
from tests.bus import hear
from tests.notifications.conftest import Order
from tests.notifications.mail_server import HANG_UP, LATER, running
from tests.notifications.rows import make_due, status

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings):
    with running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server


def deliver():
    make_due()
    delivery.deliver("email")


@pytest.mark.parametrize("command", ["mail", "rcpt", "data", "."])
@pytest.mark.parametrize("answer", [LATER, "421 4.3.2 Restarting"])
def test_a_mail_that_is_refused_for_now_goes_out_later(order, server, command, answer):
    server.answers[command] = [answer]
    hear(EMAIL_QUEUE, order.created())
    deliver()
    row = status(order)
    assert (row.status, row.attempts) == ("pending", 1)
    assert answer[4:] in row.reason

    deliver()
    assert (status(order).status, status(order).reason) == ("sent", "")
    assert len(server.mails) == 1


@pytest.mark.parametrize("command", ["ehlo", "mail", "rcpt"])
def test_a_server_that_hangs_up_before_the_mail_gets_it_later(order, server, command):
    server.answers[command] = [HANG_UP]
    hear(EMAIL_QUEUE, order.created())
    deliver()
    assert status(order).status == "pending"

    deliver()
    assert status(order).status == "sent"
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("data", HANG_UP),
        (".", HANG_UP),
        (".", "nonsense"),
        (".", "554 5.7.1 Spam"),
        ("rcpt", "550 5.1.1 No such mailbox"),
    ],
)
def test_a_mail_that_is_refused_for_good_or_perhaps_gone_is_not_sent_again(
    order, server, command, answer
):
    server.answers[command] = [answer]
    hear(EMAIL_QUEUE, order.created())
    deliver()
    deliver()

    assert status(order).status == "failed"
    assert answer[4:] in status(order).reason
    assert server.mails == []


@pytest.mark.parametrize("code", ["450 4.2.0", "550 5.1.1"])
def test_why_a_mail_was_refused_does_not_tell_whose_it_was(order, server, code):
    server.answers["rcpt"] = [f"{code} <gayal@example.org>: not here"]
    hear(EMAIL_QUEUE, order.created())
    deliver()

    assert "<***>: not here" in status(order).reason
    assert "gayal" not in status(order).reason


def test_a_mail_that_is_refused_for_ever_holds_up_no_other_and_comes_to_an_end(server):
    never, others = Order(email="never@example.org"), [Order() for _ in range(6)]
    server.not_now = "never@example.org"
    for number in range(len(RUNGS) + 1):
        hear(EMAIL_QUEUE, *(one.created() for one in (never, *others[: number + 1])))
        deliver()
        assert status(others[number]).status == "sent"
        assert status(others[number]).attempts == 1

    assert status(never).status == "failed"
    assert status(never).reason.startswith("Every retry was used up")
    assert len(server.mails) == len(RUNGS) + 1


@pytest.mark.parametrize("answer", [HANG_UP, "421 4.3.2 Too many mails for today"])
def test_a_connection_that_the_server_has_left_is_opened_anew(server, answer):
    server.answers["noop"] = [answer]
    hear(EMAIL_QUEUE, *(Order().created() for _ in range(3)))
    deliver()

    assert set(Notification.objects.values_list("status", flat=True)) == {"sent"}
    assert (len(server.mails), server.talks) == (3, 2)
