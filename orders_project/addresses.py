"""Whose request it is, where proxies stand in front of us."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address that the outermost of our NUM_PROXIES proxies saw.

    What stands further left in X-Forwarded-For the client may have made up. A request
    that did not pass through all of the proxies counts by where it comes from.
    """
    direct: str = request.META.get("REMOTE_ADDR", "")
    passed = request.headers.get("X-Forwarded-For", "").split(",")
    if not 0 < settings.NUM_PROXIES <= len(passed):
        return direct
    seen = passed[-settings.NUM_PROXIES].strip()
    return seen if _is_address(seen) else direct


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
