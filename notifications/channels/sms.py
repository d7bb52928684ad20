"""Text messages, through the service that the setting SMS_SENDER names."""

from django.conf import settings
from django.utils.module_loading import import_string

from notifications import wording
from notifications.channels.port import Letter, Sms, SmsSender
from orders_project.money import money


class TextMessage:
    def __init__(self) -> None:
        sender = import_string(settings.SMS_SENDER)
        self._sender: SmsSender = sender()

    def send(self, letter: Letter) -> None:
        self._sender.send(
            Sms(letter.address, text(letter), letter.order_id, letter.milestone)
        )

    def close(self) -> None:
        """Nothing to close: the port has no connection."""


def text(letter: Letter) -> str:
    return wording.SMS[letter.milestone].format(
        shop=settings.SHOP_NAME,
        reference=letter.reference,
        total=money(letter.total_cents, letter.currency),
        detail=letter.detail,
        why=wording.why(letter.detail),
    )
