"""Mails, rendered from templates, through whatever backend EMAIL_BACKEND names."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from notifications.channels.files import MILESTONE_HEADER, ORDER_HEADER
from notifications.channels.port import Letter, UnreachableError
from notifications.wording import SUBJECTS, why
from orders_project.money import money


class Email:
    """A connection to the mail server, opened with the first mail."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def send(self, letter: Letter) -> None:
        mail = compose(letter)
        try:
            self._connection.open()
        except OSError as error:  # smtplib's and ssl's errors are OSErrors, too
            raise UnreachableError(
                f"The mail server did not answer: {error}"
            ) from error
        self._connection.send_messages([mail])

    def close(self) -> None:
        self._connection.close()


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Render a letter as text and HTML. Costs about half a millisecond."""
    said = words(letter)
    page = f"notifications/email/{letter.milestone}"
    mail = EmailMultiAlternatives(
        subject=said["subject"],
        body=render_to_string(f"{page}.txt", said),
        to=[letter.address],
        headers=headers(letter),
    )
    mail.attach_alternative(render_to_string(f"{page}.html", said), "text/html")
    return mail


def words(letter: Letter) -> dict[str, Any]:
    return {
        "subject": f"{SUBJECTS[letter.milestone]} ({letter.reference})",
        "order_id": letter.order_id,
        "total": money(letter.total_cents, letter.currency),
        "shop": settings.SHOP_NAME,
        "tracking": letter.detail,
        "why": why(letter.detail),
        "lines": [
            (line.quantity, line.sku, money(line.unit_cents, letter.currency))
            for line in letter.lines
        ],
    }


def headers(letter: Letter) -> dict[str, str]:
    # The same id each time: should a mail go out twice after all, mailboxes show one.
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ")
    return {
        "Message-ID": f"<{letter.order_id}.{letter.milestone}@{domain}>",
        "Auto-Submitted": "auto-generated",
        ORDER_HEADER: letter.order_id,
        MILESTONE_HEADER: letter.milestone,
    }
