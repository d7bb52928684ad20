"""A mail server and a text message service that take a tenth of a second each."""

import time

from django.core.mail.backends.base import BaseEmailBackend


class SlowMail(BaseEmailBackend):
    def send_messages(self, messages):
        time.sleep(0.1 * len(messages))
        return len(messages)


class SlowTexts:
    def send(self, _sms):
        time.sleep(0.1)
