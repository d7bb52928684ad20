"""An error page with all settings, as with DEBUG, names no password of a server."""

import sys

from django.test import RequestFactory
from django.views.debug import ExceptionReporter

PASSWORDS = {
    name: f"{scheme}://waybill:hush@host/"
    for name, scheme in (
        ("DATABASE_URL", "postgres"),
        ("AMQP_URL", "amqp"),
        ("MANAGEMENT_URL", "http"),
        ("CELERY_BROKER_URL", "amqp"),
    )
}


def raised():
    try:
        {}["no such thing"]
    except KeyError:
        return sys.exc_info()


def test_the_addresses_of_the_servers_are_left_out_with_their_passwords(settings):
    for name, address in PASSWORDS.items():
        setattr(settings, name, address)
    request = RequestFactory().get("/", **PASSWORDS)
    shown = ExceptionReporter(request, *raised()).get_traceback_html()
    assert "KeyError" in shown
    assert "MANAGEMENT_URL" in shown
    assert [line for line in shown.splitlines() if "hush" in line] == []
