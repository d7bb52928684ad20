"""The secret by which a guest opens an order. Derived from its id, so never stored."""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "orders.order_token"


def make(order_id: object) -> str:
    return _derive(order_id, settings.SECRET_KEY)


def opens(token: str, order_id: object) -> bool:
    """Tell whether the token is that order's, under today's key or a former one."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(token, _derive(order_id, key)) for key in keys)


def _derive(order_id: object, key: str) -> str:
    return salted_hmac(SALT, str(order_id), key, algorithm="sha256").hexdigest()
