"""A private RabbitMQ with its own name server, cookie, user and folders, told
everything by its environment.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from deploy.local import programs
from deploy.local.errors import PlainError
from deploy.local.fetch import fetch
from deploy.local.program import Program, command
from deploy.local.system import System

CONFIGURATION = """\
listeners.tcp.local = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus}
default_user = waybill
default_pass = {password}
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 200MB
"""
#: Two schedulers that sleep when there is nothing to do: by default they burn a core
#: waiting for work.
ERLANG = (
    "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
    " -kernel inet_dist_use_interface {127,0,0,1}"
)


def name_server(system: System) -> Program:
    """Erlang's name server as a child of ours: the one that the broker would start
    stays behind for ever.
    """
    found = programs.epmd()
    if found is None:
        raise PlainError("Erlang's epmd is not installed: run bin/setup")
    return Program(
        "epmd",
        command(found),
        group="names",
        environment=_names(system),
        stop_seconds=3,
    )


def program(system: System) -> Program:
    script = programs.rabbitmq()
    if script is None:
        raise PlainError("RabbitMQ is not installed: run bin/setup")
    # Whose data is thrown away need not close its files, which takes seconds.
    signal = "KILL" if system.short_lived else "TERM"
    return Program(
        "rabbitmq",
        command(script),
        group="servers",
        environment=_environment(system),
        stop_signal=signal,
    )


def prepare(system: System) -> None:
    """Write what the broker reads at its start."""
    _home(system).mkdir(mode=0o700, parents=True, exist_ok=True)
    _private(_home(system) / ".erlang.cookie", system.secrets["erlang"], mode=0o400)
    values = {**system.ports, "password": system.secrets["rabbitmq"]}
    _private(_home(system) / "rabbitmq.conf", CONFIGURATION.format(**values))
    _private(
        _home(system) / "enabled_plugins",
        "[rabbitmq_management,rabbitmq_prometheus].\n",
    )


def control(system: System, *words: str) -> None:
    """Run rabbitmqctl on the running broker."""
    script = programs.rabbitmq()
    if script is None:
        raise PlainError("RabbitMQ is not installed: run bin/setup")
    subprocess.run(
        [script.with_name("rabbitmqctl"), "--quiet", *words],
        env={**os.environ, **_environment(system)},
        check=True,
        capture_output=True,
    )


def remove(system: System) -> None:
    """Forget every queue and message."""
    shutil.rmtree(_home(system) / "data")


def is_ready(system: System) -> bool:
    """Does it shake hands, and does its management answer us?"""
    return (
        _shakes_hands(urlsplit(system.amqp_url)) and ask(system, "whoami") is not None
    )


def names_are_ready(system: System) -> bool:
    """The broker would start a name server of its own if it came first."""
    try:
        socket.create_connection(("127.0.0.1", system.ports["epmd"]), timeout=2).close()
    except OSError:
        return False
    return True


def ask(system: System, path: str) -> object:
    """An answer of the management API, None while there is none."""
    address = urlsplit(system.management_url)
    login = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
    url = f"{address.scheme}://{address.hostname}:{address.port}/api/{path}"
    try:
        return json.loads(fetch(url, {"Authorization": f"Basic {login}"}))
    except (OSError, ValueError):
        return None


def _shakes_hands(address: SplitResult) -> bool:
    """Send AMQP's greeting; a broker that accepts connections but still boots does not
    answer it.
    """
    try:
        with socket.create_connection(
            (address.hostname, address.port or 5672), timeout=5
        ) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"
    except OSError:
        return False


def _environment(system: System) -> dict[str, str]:
    home = _home(system)
    return {
        **_names(system),
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"waybill-{system.name}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(system.ports["amqp"]),
        "RABBITMQ_DIST_PORT": str(system.ports["distribution"]),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # the system's own settings are not ours
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        # The script then becomes the broker, so that signals reach it.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def _names(system: System) -> dict[str, str]:
    return {"ERL_EPMD_PORT": str(system.ports["epmd"]), "ERL_EPMD_ADDRESS": "127.0.0.1"}


def _private(path: Path, text: str, mode: int = 0o600) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)


def _home(system: System) -> Path:
    return system.folder / "rabbitmq"
