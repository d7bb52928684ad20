"""What runs and where, for people and for programs."""

import json
from urllib.parse import urlsplit

from deploy.local import rabbitmq, supervise
from deploy.local.errors import PlainError
from deploy.local.system import System

#: Lines of which nobody answers while this process does not run.
BEHIND = {"API": "web", "Swagger UI": "web", "Admin": "web", "Flower": "flower"}


def report(system: System) -> dict:
    """Addresses, logins and process ids of a running system."""
    if not supervise.is_up(system):
        raise PlainError(
            f"{system.name} is not running: start it with bin/{system.kind} start"
        )
    user, password = rabbitmq.login(system)
    return {
        "api": system.web,
        "admin": {
            "url": f"{system.web}/admin/",
            "user": "admin",
            "password": system.secrets["admin"],
        },
        "flower": f"http://127.0.0.1:{system.ports['flower']}",
        "flower_login": {"user": "admin", "password": system.secrets["flower"]},
        "amqp": system.amqp_url,
        "management": {
            "url": _without_login(system.management_url),
            "user": user,
            "password": password,
        },
        "database": system.database_url,
        "processes": pids(system),
    }


def pids(system: System) -> dict[str, int]:
    """Of the processes that run."""
    return {
        name: info["pid"]
        for name, info in supervise.processes(system).items()
        if info["pid"]
    }


def text(system: System) -> str:
    """The same for a person."""
    found = report(system)
    return "\n".join(
        f"{name:11} {value}"
        for name, value in _lines(found).items()
        if BEHIND.get(name) in {None, *found["processes"]}
    )


def _lines(found: dict) -> dict[str, str]:
    return {
        "API": f"{found['api']}/api/",
        "Swagger UI": f"{found['api']}/api/docs/",
        "Admin": _with_login(found["admin"]),
        "Flower": _with_login({"url": found["flower"], **found["flower_login"]}),
        "RabbitMQ": _with_login(found["management"]),
        "Database": found["database"],
        "Processes": ", ".join(
            f"{name} {pid}" for name, pid in found["processes"].items()
        ),
    }


def as_json(system: System) -> str:
    return json.dumps(report(system), indent=2)


def _with_login(entry: dict) -> str:
    return f"{entry['url']}  ({entry['user']} / {entry['password']})"


def _without_login(url: str) -> str:
    address = urlsplit(url)
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
