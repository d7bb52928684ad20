"""A private PostgreSQL: default durability, loopback only, a password nobody else
knows.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local import programs
from deploy.local.errors import PlainError
from deploy.local.program import Program, command
from deploy.local.system import System

#: fsync and synchronous_commit stay on: what was measured here must hold where it
#: matters.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 200,
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
}


def program(system: System) -> Program:
    """The server in the foreground.

    INT is its fast shutdown, which does not wait for clients; QUIT does not even write
    a checkpoint, for data that is thrown away.
    """
    options = [
        word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")
    ]
    line = command(
        _bin("postgres"), "-D", data(system), "-p", system.ports["postgres"], *options
    )
    signal = "QUIT" if system.short_lived else "INT"
    return Program("postgres", line, group="servers", user=owner(), stop_signal=signal)


def prepare(system: System) -> None:
    """Make the data folder, whole or not at all."""
    if not (data(system) / "PG_VERSION").exists():
        draft = data(system).with_name("postgres.new")
        _empty(draft)
        _initialise(draft, system.secrets["postgres"])
        draft.rename(data(system))


def is_ready(system: System) -> bool:
    return _client(system, "pg_isready", "-q", "-d", "postgres").returncode == 0


def create_database(system: System) -> None:
    """The application's database, unless it is there."""
    found = _client(
        system,
        "psql",
        "-d",
        "postgres",
        "-Atc",
        "select 1 from pg_database where datname = 'waybill'",
    )
    if found.stdout.strip() != "1":
        made = _client(system, "createdb", "waybill")
        if made.returncode:
            raise PlainError(
                f"PostgreSQL refuses to create the database: {made.stderr.strip()}"
            )


def remove(system: System) -> None:
    """Forget the data."""
    shutil.rmtree(data(system), ignore_errors=True)
    if home(system) != system.folder:
        shutil.rmtree(home(system), ignore_errors=True)


def data(system: System) -> Path:
    return home(system) / "postgres"


def home(system: System) -> Path:
    """The system's folder, or one beside it that PostgreSQL's user can reach when the
    checkout is in a closed home.
    """
    if owner() is None or _reaches(system.folder):
        return system.folder
    return Path("/var/tmp") / f"waybill-{system.digest}"  # noqa: S108 - ours by name


def owner() -> str | None:
    """Whom the server runs as when we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    return (
        "postgres"
        if any(user.pw_name == "postgres" for user in pwd.getpwall())
        else "nobody"
    )


def _reaches(folder: Path) -> bool:
    return (
        subprocess.run(
            ["test", "-x", str(folder)], **_as_owner(), cwd="/", check=False
        ).returncode
        == 0
    )


def _initialise(folder: Path, password: str) -> None:
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(password)
        secret.flush()
        if owner():
            shutil.chown(secret.name, owner())
        line = [
            _bin("initdb"),
            "-D",
            folder,
            "-U",
            "waybill",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        line += ["--auth=scram-sha-256", f"--pwfile={secret.name}"]
        made = subprocess.run(
            line, **_as_owner(), cwd="/", capture_output=True, text=True, check=False
        )
    if made.returncode:
        raise PlainError(f"initdb failed: {made.stderr.strip()}")


def _empty(folder: Path) -> None:
    """An empty folder that only PostgreSQL's user reads, in one that it may enter."""
    shutil.rmtree(folder, ignore_errors=True)
    _enterable(folder.parent)
    folder.mkdir(mode=0o700)
    if owner():
        shutil.chown(folder, owner(), pwd.getpwnam(owner()).pw_gid)


def _enterable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():  # /var/tmp is everybody's
        raise PlainError(f"{folder} belongs to somebody else: remove it")
    folder.chmod(0o711)


def _client(system: System, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    where = ["-h", "127.0.0.1", "-p", str(system.ports["postgres"]), "-U", "waybill"]
    environment = {**os.environ, "PGPASSWORD": system.secrets["postgres"]}
    return subprocess.run(
        [_bin(name), *where, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _bin(name: str) -> Path:
    folder = programs.postgres()
    if folder is None:
        raise PlainError("PostgreSQL is not installed: run bin/setup")
    return folder / name


def _as_owner() -> dict[str, object]:
    """Arguments of subprocess.run that leave root behind."""
    return (
        {"user": owner(), "group": pwd.getpwnam(owner()).pw_gid, "extra_groups": []}
        if owner()
        else {}
    )
