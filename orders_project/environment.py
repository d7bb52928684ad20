"""Reading the environment, with errors that say which variable and how to set it."""

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from orders_project import money
from orders_project.database import planned

T = TypeVar("T")

#: Only good enough where DEBUG is on: nothing signed with it is secret.
DEVELOPMENT_KEY = "for-development-only-" + "x" * 40
SHORTEST_KEY = 32

SWITCHES = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "off", "0", ""), False
)
#: How to set what an error alone does not explain.
EXAMPLES = {
    "SECRET_KEY": (
        "SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"
    ),
    "DATABASE_URL": "DATABASE_URL=postgres://user:password@host:5432/waybill",
    "AMQP_URL": "AMQP_URL=amqp://user:password@host:5672//",
    "MANAGEMENT_URL": "MANAGEMENT_URL=http://user:password@host:15672",
    "CARRIER_DELIVERY_SECONDS": "CARRIER_DELIVERY_SECONDS=20, or none",
    "ORDER_EXPIRY_SECONDS": "ORDER_EXPIRY_SECONDS=86400, or none",
    "PAYMENT_GATEWAY": "PAYMENT_GATEWAY=payments.gateways.simulated.SimulatedGateway",
    "CARRIER": "CARRIER=shipping.carriers.simulated.SimulatedCarrier",
    "SMS_SENDER": "SMS_SENDER=notifications.channels.files.SmsFiles",
    "EMAIL_BACKEND": "EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend",
}


def text(name: str, default: str = "") -> str:
    """Return what is said; an empty line of an .env file says nothing."""
    return os.environ.get(name) or default


def words(name: str, *default: str) -> list[str]:
    """Return what is separated by commas."""
    given = text(name, ",".join(default)).split(",")
    return [word.strip() for word in given if word.strip()]


def switch(name: str) -> bool:
    """Return whether it is on; off where nothing is said."""
    return _meaning(name, SWITCHES, text(name).lower())


def choice(name: str, known: Iterable[str], default: str) -> str:
    return _meaning(name, {word: word for word in known}, text(name, default))


def currency(name: str, default: str) -> str:
    """Return a currency of two decimals, by its letters of ISO 4217."""
    given = text(name, default)
    if why := money.why_not(given):
        refuse(name, f"is {given!r} and {why}", f"{name}={default}")
    return given


def number(name: str, default: int, *, least: int = 0, most: float = math.inf) -> int:
    """Return a whole number that is neither below the least nor above the most."""
    given = text(name, str(default))
    if not (given.isascii() and given.isdigit() and least <= int(given) <= most):
        floor = f" from {least}" if least else ""
        top = f" to {most}" if most < math.inf else ""
        what = f"is {given!r} and must be a whole number{floor}{top}"
        refuse(name, what, f"{name}={default}")
    return int(given)


def seconds(name: str, default: float) -> float | None:
    """Return a time, or None for the word none."""
    given = text(name, str(default)).lower()
    if given == "none":
        return None
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        refuse(name, f"is {given!r} and must be a number of seconds")
    return value


def secret(name: str, *, debug: bool) -> str:
    """Return a secret; one made up is allowed only where DEBUG is on."""
    value = text(name, DEVELOPMENT_KEY if debug else "")
    if len(value) < SHORTEST_KEY:
        state = f"has {len(value)}" if value else "is not set"
        refuse(name, f"{state} and must have {SHORTEST_KEY} characters or more")
    return value


def url(name: str, *schemes: str, default: str = "") -> str:
    value = text(name, default)
    if not _is_url(value, schemes):
        # Without the value, which may hold a password: this goes to a log.
        state = "is wrong" if value else "is not set"
        refuse(name, f"{state} and must be a URL that starts with {schemes[0]}://")
    return value


def database(name: str) -> dict[str, Any]:
    """Return Django's settings of a PostgreSQL database.

    The time-outs keep a lost server from holding a request or a worker for ever.
    """
    config: dict[str, Any] = environ.Env.db_url_config(
        url(name, "postgres", "postgresql")
    )
    if not config["NAME"]:
        refuse(name, "names no database after the host")
    config["CONN_MAX_AGE"] = 600
    config["CONN_HEALTH_CHECKS"] = True
    config["OPTIONS"] = {
        "connect_timeout": 3,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "application_name": "waybill",
        "connection_factory": planned.Session,
        "cursor_factory": planned.Cursor,
        "options": "-c statement_timeout=15000 -c lock_timeout=10000"
        " -c idle_in_transaction_session_timeout=20000",
    } | config.get("OPTIONS", {})
    return config


def refuse(name: str, what: str, example: str = "") -> NoReturn:
    raise ImproperlyConfigured(
        f"{name} {what}. For example: {example or EXAMPLES[name]}"
    )


def _meaning(name: str, meanings: Mapping[str, T], given: str) -> T:
    if given not in meanings:
        known = ", ".join(filter(None, meanings))
        first = next(iter(meanings))
        refuse(name, f"is {given!r} and must be one of {known}", f"{name}={first}")
    return meanings[given]


def _is_url(value: str, schemes: Iterable[str]) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        return False
