"""Messages as files a person can open: the channels of a developer's machine.

`OUTGOING_DIR/email/*.eml` and `OUTGOING_DIR/sms/*.txt`, one file for each message,
named by time, order and milestone.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.text import slugify

from notifications.channels.port import Sms
from orders_project.messaging.events import utc_now

#: The headers that tell mails apart, for us and for people who sort them.
ORDER_HEADER, MILESTONE_HEADER = "X-Order-Id", "X-Milestone"


class EmailBackend(BaseEmailBackend):
    """Django's mail backend that writes a .eml file for each mail."""

    def open(self) -> bool:
        folder("email")
        return True

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            headers = message.extra_headers
            about = headers.get(ORDER_HEADER, uuid4()), headers.get(MILESTONE_HEADER)
            file = folder("email") / f"{name(*about)}.eml"
            file.write_bytes(message.message().as_bytes())
        return len(email_messages)


class SmsFiles:
    """A text message service that writes files."""

    def send(self, sms: Sms) -> None:
        file = folder("sms") / f"{name(sms.order_id, sms.milestone)}.txt"
        file.write_text(f"To: {sms.to}\n\n{sms.text}\n")


def folder(channel: str) -> Path:
    path = Path(settings.OUTGOING_DIR) / channel
    path.mkdir(parents=True, exist_ok=True)
    return path


def name(*about: object) -> str:
    """Return a file's name that sorts by time, and cannot lead out of the folder."""
    words = [slugify(str(word)) for word in about if word]
    return "_".join([f"{utc_now():%Y%m%dT%H%M%S.%f}", *words])
