"""Reading the environment, with errors that say which variable and how to set it."""

from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

#: Only good enough where DEBUG is on: nothing signed with it is secret.
DEVELOPMENT_KEY = "for-development-only-" + "x" * 40
SHORTEST_KEY = 32

HOW = {
    "SECRET_KEY": "python -c 'import secrets; print(secrets.token_urlsafe(50))'",
    "DATABASE_URL": "DATABASE_URL=postgres://user:password@host:5432/waybill",
    "AMQP_URL": "AMQP_URL=amqp://user:password@host:5672//",
    "CARRIER_DELIVERY_SECONDS": "CARRIER_DELIVERY_SECONDS=20, or none",
}


class Environment(environ.Env):  # type: ignore[misc]  # has no types
    """django-environ, with the checks that this project wants."""

    def secret(self, name: str, *, debug: bool) -> str:
        """Return a secret; one made up is allowed only where DEBUG is on."""
        value: str = self.str(name, default=DEVELOPMENT_KEY if debug else "")
        if len(value) < SHORTEST_KEY:
            refuse(name, f"is not set, or shorter than {SHORTEST_KEY} characters")
        return value

    def url(self, name: str, *, schemes: tuple[str, ...]) -> str:
        value: str = self.str(name, default="")
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            refuse(name, f"must be a URL that starts with {schemes[0]}://")
        return value

    def seconds(self, name: str, *, default: int) -> float | None:
        """Return a time in seconds, or None for the word none."""
        value: str = self.str(name, default=str(default))
        try:
            return None if value.lower() == "none" else float(value)
        except ValueError:
            refuse(name, f"is {value!r}, which is no number of seconds")

    def database(self, name: str) -> dict[str, Any]:
        """Return Django's settings of a PostgreSQL database.

        The time-outs keep a lost server from holding a request or a worker for ever.
        """
        url = self.url(name, schemes=("postgres", "postgresql"))
        config: dict[str, Any] = self.db_url_config(url)
        config["CONN_MAX_AGE"] = 600
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            "application_name": "waybill",
            "options": "-c statement_timeout=15000 -c lock_timeout=10000"
            " -c idle_in_transaction_session_timeout=60000",
        } | config.get("OPTIONS", {})
        return config


def refuse(name: str, what: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name} {what}. Set it, for example: {HOW[name]}")
