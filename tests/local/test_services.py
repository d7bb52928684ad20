"""Each service of docker-compose.yml, run here by its own command and environment."""

import os
import re
import shlex
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from deploy.local import ports
from deploy.local.places import ROOT
from tests.local import compose

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]
SERVERS = {"postgres", "rabbitmq"}


@pytest.fixture
def here(tmp_path):
    """What is elsewhere in a container: servers, ports, folders."""
    database, broker = (urlsplit(os.environ[n]) for n in ("DATABASE_URL", "AMQP_URL"))
    management = urlsplit(os.environ["MANAGEMENT_URL"])
    free = ports.scattered()
    return {
        "@postgres:5432": f"@{database.hostname}:{database.port}",
        "@rabbitmq:5672": f"@{broker.hostname}:{broker.port}",
        "@rabbitmq:15672": f"@{management.hostname}:{management.port}",
        "0.0.0.0:8000": f"127.0.0.1:{free['web']}",
        "127.0.0.1:8000": f"127.0.0.1:{free['web']}",
        "--address=0.0.0.0 --port=5555": f"--address=127.0.0.1 --port={free['flower']}",
        "127.0.0.1:5555": f"127.0.0.1:{free['flower']}",
        "/tmp": str(tmp_path),
        "/var/lib/waybill": str(tmp_path),
    }


@pytest.fixture
def services(here):
    secrets = {
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "POSTGRES_PASSWORD": urlsplit(os.environ["DATABASE_URL"]).password,
        "RABBITMQ_PASSWORD": urlsplit(os.environ["AMQP_URL"]).password,
        "FLOWER_PASSWORD": "for-this-test-only",
    }
    found = compose.load(secrets)["services"]
    return {name: one for name, one in found.items() if name not in SERVERS}


def test_every_service_becomes_healthy(services, here):
    setup = services.pop("setup")
    subprocess.run(
        _words(setup, here), env=_environment(setup, here), cwd=ROOT, check=True
    )

    with _running(services.values(), here), ThreadPoolExecutor(2) as checks:
        waiting = partial(_wait_until_healthy, here=here)
        list(checks.map(waiting, services, services.values()))


@contextmanager
def _running(services, here):
    started = [_start(service, here) for service in services]
    try:
        yield
    finally:
        for process in started:  # a worker's children end with it
            process.terminate()
        for process in started:
            process.wait(30)


def _start(service, here):
    return subprocess.Popen(
        _words(service, here),
        env=_environment(service, here),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_until_healthy(name, service, here):
    deadline = time.monotonic() + 90
    while (said := _check(service, here)).returncode:
        assert time.monotonic() < deadline, f"{name}: {said.stdout}{said.stderr}"
        time.sleep(0.5)


def _check(service, here):
    return subprocess.run(
        ["sh", "-c", _moved(service["healthcheck"]["test"], here)],
        env=_environment(service, here),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _words(service, here):
    return shlex.split(_moved(service["command"], here))


def _environment(service, here):
    """Nothing from outside but what an image has: a forgotten setting is noticed."""
    outside = {"PATH": os.environ["PATH"], "HOSTNAME": socket.gethostname()}
    inside = _of_image() | service["environment"]
    return outside | {key: _moved(value, here) for key, value in inside.items()}


def _of_image():
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    pairs = [word.split("=", 1) for line in lines for word in line.split()]
    return {key: value for key, value in pairs if key != "PATH"}


def _moved(text, here):
    for there, new in here.items():
        text = text.replace(there, new)
    return text
