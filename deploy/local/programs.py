"""Finding the servers' programs on this machine."""

import functools
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from deploy.local.errors import PlainError

WAYS = """\
PostgreSQL and RabbitMQ are needed. Any one of these ways will do:
  - install them; they are started privately, not as services
    (Debian, Ubuntu: apt-get install postgresql rabbitmq-server
     Fedora: dnf install postgresql-server rabbitmq-server)
  - start a Docker engine: they then run as containers
    (docker compose up -d rabbitmq postgres)
  - run bin/setup as root on Debian or Ubuntu: it installs the packages
  - set DATABASE_URL and AMQP_URL (and MANAGEMENT_URL) to servers of your own"""


OWN = """\
This starts, measures and harms servers of its own, so that PostgreSQL and RabbitMQ
must be programs on this machine. They are started privately, not as services:
  Debian, Ubuntu: apt-get install postgresql rabbitmq-server
  Fedora: dnf install postgresql-server rabbitmq-server"""


def need_own() -> None:
    """Raise PlainError where servers could only be containers or somebody else's."""
    if missing():
        raise PlainError(OWN)


def missing() -> list[str]:
    """The servers that cannot be run from this machine's own programs."""
    found = {"DATABASE_URL": postgres(), "AMQP_URL": rabbitmq() and epmd()}
    return [name for name, program in found.items() if program is None]


@functools.cache
def postgres() -> Path | None:
    """The folder with initdb and postgres, the newest where there are several."""
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
        *_in_path("postgres"),
    ]
    return max(
        (folder for folder in folders if (folder / "initdb").exists()),
        key=_version,
        default=None,
    )


@functools.cache
def rabbitmq() -> Path | None:
    """The server's own script; Debian's in /usr/sbin is a wrapper that insists on the
    system's user and folders.
    """
    folders = [
        Path("/usr/lib/rabbitmq/bin"),
        *Path("/opt").glob("rabbitmq*/sbin"),
        *_in_path("rabbitmq-server"),
    ]
    scripts = [folder / "rabbitmq-server" for folder in folders]
    return next(
        (script for script in scripts if script.exists() and not _is_wrapper(script)),
        None,
    )


@functools.cache
def epmd() -> Path | None:
    """Erlang's name server."""
    found = shutil.which("epmd") or next(
        iter(Path("/usr/lib/erlang").glob("**/bin/epmd")), None
    )
    return Path(found) if found else None


def forget() -> None:
    """Look again, after something was installed."""
    for find in (postgres, rabbitmq, epmd):
        find.cache_clear()


def _in_path(program: str) -> Iterable[Path]:
    found = shutil.which(program)
    return [Path(found).resolve().parent] if found else []


def _is_wrapper(script: Path) -> bool:
    return "wrapper" in script.resolve().name


def _version(folder: Path) -> int:
    return int((re.findall(r"\d+", folder.parent.name) or ["0"])[0])
