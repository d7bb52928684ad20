"""The two servers as containers, where a Docker engine answers and no program is."""

import os
import subprocess

from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.system import System

SERVERS = ("postgres", "rabbitmq")


def answers() -> bool:
    """Is there an engine, and not only its client?"""
    try:
        return (
            subprocess.run(
                ["docker", "info"], capture_output=True, timeout=10, check=False
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def start(system: System) -> None:
    """Containers of this system's own, on its own ports."""
    _compose(system, "up", "--detach", "--wait", *SERVERS)


def stop(system: System) -> None:
    """The data stays in its volumes."""
    _compose(system, "stop", *SERVERS)


def remove(system: System) -> None:
    _compose(system, "down", "--volumes")


def _compose(system: System, *words: str) -> None:
    line = ["docker", "compose", "--project-name", f"waybill-{system.name}", *words]
    done = subprocess.run(
        line,
        cwd=ROOT,
        env=_environment(system),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PlainError(f"docker compose {words[0]} failed:\n{done.stderr[-2000:]}")


def _environment(system: System) -> dict[str, str]:
    """What docker-compose.yml asks for."""
    return {
        **os.environ,
        "POSTGRES_PASSWORD": system.secrets["postgres"],
        "RABBITMQ_PASSWORD": system.secrets["rabbitmq"],
        "SECRET_KEY": system.secrets["django"],
        "FLOWER_PASSWORD": system.secrets["flower"],
        "POSTGRES_PORT": str(system.ports["postgres"]),
        "AMQP_PORT": str(system.ports["amqp"]),
        "MANAGEMENT_PORT": str(system.ports["management"]),
    }
