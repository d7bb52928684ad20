"""Real private servers: they come up, survive what happens to them, and go away."""

import os
import signal
import subprocess
import sys

import pytest

from deploy.local import leftovers, lifecycle, status, supervise
from deploy.local.errors import PlainError
from deploy.local.places import ROOT, RUN
from deploy.local.system import System
from deploy.local.waiting import until

pytestmark = pytest.mark.story


@pytest.fixture
def system(monkeypatch):
    for name in ("DATABASE_URL", "AMQP_URL", "MANAGEMENT_URL"):
        monkeypatch.delenv(name, raising=False)
    ours = System(f"probe{os.getpid()}")
    yield ours
    lifecycle.remove(ours)
    assert not ours.folder.exists()
    assert leftovers.of(ours) == []


def _start(system):
    """By a process of its own, as a shell would; then as it is written down."""
    command = ["-m", "deploy.local", "--name", system.name, "start", "--only", "infra"]
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, check=True, capture_output=True
    )
    return System.load(system.name)


def test_a_killed_server_comes_back_with_its_data(system):
    started = _start(system)
    before = status.pids(started)["postgres"]

    os.kill(before, signal.SIGKILL)

    until(lambda: _pid(started, "postgres") not in (None, before), what="", seconds=20)
    assert _start(system) == started


def _pid(system, name):
    return status.pids(system).get(name)


def test_mails_logs_and_messages_are_for_nobody_else_on_the_machine(system):
    folders = [one for one in _start(system).folder.iterdir() if one.is_dir()]

    assert {"outgoing", "log"} <= {one.name for one in folders}
    assert not [one.name for one in folders if one.stat().st_mode & 0o077]


def test_what_a_killed_supervisor_left_is_cleared_away_at_the_next_start(system):
    started = _start(system)
    orphans = set(leftovers.of(started))
    supervisor = int((started.folder / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)

    again = _start(system)

    assert supervise.is_up(again)
    assert not orphans & set(leftovers.of(again))


def test_stop_leaves_nothing_and_status_says_so(system):
    started = _start(system)

    lifecycle.stop(started)

    assert leftovers.of(started) == []
    with pytest.raises(PlainError, match="not running"):
        status.report(started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_ended_test_run_leaves_no_process(number):
    run = _test_run()
    until(lambda: _servers_of(run), what="the servers", seconds=30)

    run.send_signal(number)
    run.wait(30)

    until(lambda: not _servers_of(run), what="their end", seconds=20)
    _forget(run)


def _test_run():
    command = [sys.executable, "-m", "deploy.local", "test", "--", "--version"]
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )


def _servers_of(run):
    return leftovers.of(System(f"test-{run.pid}"))


def _forget(run):
    lifecycle.remove(System.load(f"test-{run.pid}"))
    assert not (RUN / f"test-{run.pid}").exists()
