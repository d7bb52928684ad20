"""What a private system remembers, and what it tells its processes."""

import json
import socket
import stat

import pytest

from deploy.local import ports, supervise, system
from deploy.local.program import Program
from deploy.local.system import System


@pytest.fixture(autouse=True)
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(system, "RUN", tmp_path)
    for name in ("DATABASE_URL", "AMQP_URL", "MANAGEMENT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_system_is_remembered_and_its_passwords_are_private(run):
    made = System("dev", ports={"web": 8123})
    made.save()

    assert System.load("dev") == made
    assert stat.S_IMODE((run / "dev" / "system.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", '{"unknown": 1}'])
def test_a_broken_memory_is_a_new_system(run, text):
    (run / "dev").mkdir()
    (run / "dev" / "system.json").write_text(text)

    assert System.load("dev").ports == {}


def test_a_port_that_is_taken_is_stepped_around():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert ports.remembered({"web": port})["web"] != port


def test_a_free_port_is_kept():
    first = ports.scattered()

    assert ports.remembered(first) == first
    assert len(set(first.values())) == len(first)


def test_servers_named_outside_are_used(monkeypatch):
    monkeypatch.setenv("AMQP_URL", "amqp://me:pw@broker:5672//")
    ours = System("dev", ports=ports.scattered())
    ours.notice_outside()

    assert ours.amqp_url == "amqp://me:pw@broker:5672//"
    assert ours.management_url == "http://me:pw@broker:15672"
    assert ours.uses_own("DATABASE_URL")
    assert not ours.uses_own("AMQP_URL")


def test_the_supervisor_reads_any_command_as_it_was_meant(run):
    ours = System("dev", ports=ports.scattered())
    odd = Program("odd", "run 100% -n x@%h", environment={"A": "50%"})

    text = supervise.configuration(ours, [odd])

    assert "run 100%% -n x@%%h" in text
    assert 'A="50%%"' in text


def test_a_socket_path_too_long_for_the_kernel_lies_elsewhere(monkeypatch, run):
    monkeypatch.setattr(system, "RUN", run / ("x" * 120))

    assert len(str(System("dev").socket)) < 100


def test_settings_are_words_that_a_shell_could_print():
    ours = System("demo-1", ports=ports.scattered())

    assert json.loads(json.dumps(ours.settings()))["CARRIER_DELIVERY_SECONDS"] == "0"
