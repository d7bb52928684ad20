"""Where messages go whose delivery is somebody else's work."""

from notifications.channels.port import Sms


class TextMessages:
    def send(self, sms: Sms) -> None:
        """Like Django's dummy backend for mails."""
