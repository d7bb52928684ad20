"""Mails, rendered from templates, through whatever backend EMAIL_BACKEND names."""

from contextlib import suppress
from smtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from traceback import walk_tb
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from notifications.channels.files import MILESTONE_HEADER, ORDER_HEADER
from notifications.channels.port import Letter, NotNowError, UnreachableError
from notifications.wording import SUBJECTS, why
from orders_project.money import money

#: What smtplib says before it hands a mail over.
BEFORE_DATA = {one.__code__ for one in (SMTP.ehlo, SMTP.helo, SMTP.mail, SMTP.rcpt)}


class Email:
    """A connection to the mail server, opened with the first mail."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def send(self, letter: Letter) -> None:
        mail = compose(letter)
        try:
            self._connect()
        except OSError as error:  # smtplib's and ssl's errors are OSErrors, too
            raise UnreachableError(
                f"The mail server did not answer: {error}"
            ) from error
        try:
            self._connection.send_messages([mail])
        except SMTPException as error:
            if not was_not_taken_yet(error):
                raise
            raise NotNowError(f"The mail server did not take it: {error}") from error

    def close(self) -> None:
        # What is sent is sent, whatever it answers; an error would unsettle the chunk.
        with suppress(OSError):
            self._connection.close()

    def _connect(self) -> None:
        kept = getattr(self._connection, "connection", None)
        if isinstance(kept, SMTP) and not _answers(kept):
            self._connection.close()
        self._connection.open()


def was_not_taken_yet(error: SMTPException) -> bool:
    """Say whether a mail surely did not go out, and the server may take it later.

    A reply in the four hundreds leaves it to us, even to the whole mail (RFC 5321,
    4.2.1 and 4.2.5). Without a reply it counts how far we were.
    """
    if isinstance(error, SMTPServerDisconnected):
        frames = walk_tb(error.__traceback__)
        return any(frame.f_code in BEFORE_DATA for frame, _ in frames)
    return 400 <= _reply(error) < 500  # noqa: PLR2004 - SMTP's own numbers


def _reply(error: SMTPException) -> int:
    if isinstance(error, SMTPRecipientsRefused):
        [(code, _)] = error.recipients.values()  # each mail has one
        return code
    return error.smtp_code if isinstance(error, SMTPResponseException) else 0


def _answers(kept: SMTP) -> bool:
    """Ask on a connection that served the mail before: the server may have left it."""
    try:
        return kept.noop()[0] == 250  # noqa: PLR2004 - SMTP's own number
    except SMTPServerDisconnected:
        return False


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
