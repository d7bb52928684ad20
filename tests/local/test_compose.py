"""docker-compose.yml is valid, safe, and the same system as the local one."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from runpy import run_path
from urllib.parse import urlsplit

import jsonschema
import pytest
from django.conf import settings

from deploy.local import docker, ports, processes
from deploy.local.places import ROOT
from deploy.local.program import Program
from deploy.local.system import System
from orders_project.messaging import backlog, leaving, topology
from orders_project.messaging.events import URGENT
from tests.docs.pages import README, codes
from tests.local import compose

SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "FLOWER_PASSWORD")
FILE = compose.load(dict.fromkeys(SECRETS, "x"))
SERVICES = FILE["services"]
SERVERS = {"postgres", "rabbitmq"}
WEB = "gunicorn.conf.py"
LET_IN = (ROOT / ".dockerignore").read_text().splitlines()
FIXED = (processes.WEB, processes.RELAY, processes.BEAT, processes.FLOWER)
#: The settings that the file gives a value of its own.
GIVEN = {"SECRET_KEY", "DATABASE_URL", "AMQP_URL", "MANAGEMENT_URL"}
GIVEN |= {"ALLOWED_HOSTS", "GUEST_CHECKOUT", "CARRIER_DELIVERY_SECONDS"}
#: The folder is a volume.
OF_THE_IMAGE = {"OUTGOING_DIR"}
#: Where the parts that differ by machine are in a container.
INSIDE = {
    "web": "0.0.0.0:8000",
    "flower_address": "0.0.0.0",
    "flower_port": 5555,
    "folder": "/tmp",
}


def test_the_file_follows_the_compose_specification():
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())

    jsonschema.Draft201909Validator(schema).validate(FILE)


def test_the_secrets_are_for_nobody_else_on_the_machine(tmp_path):
    file = tmp_path / ".env"
    with file.open("w") as out:
        subprocess.run([ROOT / "deploy/compose/make-env"], stdout=out, check=True)
    lines = file.read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == [*SECRETS]
    assert oct(file.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("missing", SECRETS)
def test_a_missing_secret_is_refused_and_says_how_to_make_it(missing):
    with pytest.raises(KeyError, match=f"{missing}: .*make-env"):
        compose.load(dict.fromkeys({*SECRETS} - {missing}, "x"))


def test_every_setting_reaches_the_containers_and_what_is_not_set_has_its_default():
    names = {codes(name)[0] for name, *_ in README.table("Settings")} - OF_THE_IMAGE
    told = compose.load(dict.fromkeys(SECRETS, "x") | dict.fromkeys(names, "told"))

    for name in SERVICES.keys() - SERVERS:
        assert names <= told["services"][name]["environment"].keys(), name
        assert SERVICES[name]["environment"].keys() & names == GIVEN, name
    assert told["services"]["web"]["environment"]["RETENTION_DAYS"] == "told"


@pytest.mark.parametrize("given", ["", "shop.example", "*"])
def test_the_health_check_may_call_the_web_whatever_the_shop_is_called(given):
    web = compose.load(dict.fromkeys(SECRETS, "x") | {"ALLOWED_HOSTS": given})
    web = web["services"]["web"]

    names = web["environment"]["ALLOWED_HOSTS"].split(",")

    assert urlsplit(_url_in(web["healthcheck"]["test"])).hostname in names
    assert (given or "localhost") in names


def _url_in(command):
    return re.search(r"http://[^']+", command)[0]


def test_the_relay_is_asked_in_the_words_of_the_index():
    assert f"priority >= {URGENT}" in SERVICES["relay"]["healthcheck"]["test"]
    assert f"priority >= {URGENT}" in backlog.due()


def test_what_runs_at_every_start_changes_nothing_that_the_shop_has_changed():
    assert "load_catalogue" not in SERVICES["setup"]["command"]


def test_the_commands_are_those_of_the_process_table():
    table = [*FIXED, *processes.cluster_workers()]
    expected = {process.name: process.command.format(**INSIDE) for process in table}

    found = {name: service.get("command") for name, service in SERVICES.items()}

    assert found == expected | {name: found[name] for name in (*SERVERS, "setup")}


def test_the_image_by_itself_is_the_web():
    *_, last = (ROOT / "Dockerfile").read_text().splitlines()

    assert json.loads(last.removeprefix("CMD ")) == SERVICES["web"]["command"].split()


def test_processes_are_stopped_alike_and_have_time_to_leave_by_themselves():
    signals = {process.name: process.stop_signal for process in FIXED}
    for name in SERVICES.keys() - SERVERS:
        service, signal = SERVICES[name], signals.get(name, "TERM")
        assert service["stop_grace_period"] == f"{Program.stop_seconds}s"
        assert service.get("stop_signal", "SIGTERM") == f"SIG{signal}"
    assert Program.stop_seconds > leaving.SECONDS
    assert run_path(ROOT / WEB)["graceful_timeout"] == leaving.SECONDS


@pytest.mark.parametrize(
    "workers", [processes.local_workers(), processes.cluster_workers()]
)
def test_every_queue_is_heard_by_exactly_one_kind_of_worker(workers):
    heard = Counter(queue for worker in workers for queue in worker.queues)

    assert heard == Counter(queue.name for queue in topology.CONSUMED)


def test_every_service_tells_whether_it_is_well():
    silent = {name for name, one in SERVICES.items() if "healthcheck" not in one}

    assert silent == {"setup"}  # which ends


def test_nothing_starts_before_what_it_needs_works():
    waiting = {
        need["condition"]
        for service in SERVICES.values()
        for need in service.get("depends_on", {}).values()
    }

    assert waiting == {"service_healthy", "service_completed_successfully"}


def test_workers_can_be_scaled():
    for name, service in SERVICES.items():
        if name.startswith("worker-"):
            assert not {"container_name", "ports", "hostname"} & set(service), name


def test_ports_are_open_to_this_machine_only():
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned():
    images = {SERVICES[name]["image"] for name in SERVERS}
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    images |= {line.split()[1] for line in lines if line.startswith("FROM")}

    assert all(image.split(":")[1][0].isdigit() for image in images)


def test_the_image_holds_every_app():
    copied = {
        name
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
        for name in line.split()[1:-1]
    }
    packages = {app.split(".")[0] for app in settings.INSTALLED_APPS}
    ours = {package for package in packages if (ROOT / package).is_dir()}

    assert {*ours, "manage.py", WEB} <= copied
    assert copied <= {line[1:] for line in LET_IN} | {"--from=packages", "/venv"}


def test_a_docker_engine_is_told_all_that_the_file_asks_for():
    ours = System("dev", ports=ports.scattered())

    given = compose.load(docker._environment(ours))["services"]

    published = [port for name in SERVERS for port in given[name]["ports"]]
    assert {int(port.split(":")[1]) for port in published} == {
        ours.ports[name] for name in ("postgres", "amqp", "management")
    }
    passwords = ours.secrets["postgres"], ours.secrets["rabbitmq"]
    assert given["postgres"]["environment"]["POSTGRES_PASSWORD"] == passwords[0]
    assert given["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_PASS"] == passwords[1]
