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
from urllib.parse import quote, unquote, urlsplit

import amqp
from kombu import Connection
from kombu.exceptions import OperationalError

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
#: Of a management API whose address says none: those of messaging/inspection.py.
PORTS = {"http": 15672, "https": 443}


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
    # Whose data is thrown away need not close its files, which takes seconds.
    signal = "KILL" if system.short_lived else "TERM"
    return Program(
        "rabbitmq",
        command(_script()),
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
    subprocess.run(
        [_script().with_name("rabbitmqctl"), "--quiet", *words],
        env={**os.environ, **_environment(system)},
        check=True,
        capture_output=True,
    )


def remove(system: System) -> None:
    """Forget every queue and message."""
    shutil.rmtree(_home(system) / "data")


def is_ready(system: System) -> bool:
    """Does it let us in, and does its management answer us?"""
    return _lets_in(system.amqp_url) and ask(system, "whoami") is not None


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
    host = f"{address.hostname}:{address.port or PORTS[address.scheme]}"
    word = base64.b64encode(":".join(login(system)).encode()).decode()
    url = f"{address.scheme}://{host}/api/{path}"
    try:
        return json.loads(fetch(url, {"Authorization": f"Basic {word}"}))
    except (OSError, ValueError):
        return None


def login(system: System) -> tuple[str, str]:
    """The user and the password of the management API."""
    address = urlsplit(system.management_url)
    return unquote(address.username or "guest"), unquote(address.password or "guest")


def vhost(system: System) -> str:
    """The application's, as a part of a path in the management API."""
    return quote(Connection(system.amqp_url).virtual_host or "/", safe="")


def _lets_in(url: str) -> bool:
    """A broker that accepts connections but still boots does not, nor does one whose
    certificate the application would refuse (CELERY_BROKER_USE_SSL).
    """
    secure = url.startswith("amqps:") and {"server_hostname": None}
    try:
        with Connection(url, ssl=secure, connect_timeout=5) as broker:
            broker.ensure_connection(max_retries=0)
    except (OperationalError, amqp.AMQPError, OSError):
        return False
    return True


def _script() -> Path:
    script = programs.rabbitmq()
    if script is None:
        raise PlainError("RabbitMQ is not installed: run bin/setup")
    return script


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
