"""TERM to every process, whatever the state of the servers: all gone in ten seconds."""

import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from deploy.local import rabbitmq
from tests.awaiting import eventually
from tests.faults import verdict
from tests.faults.rig import ALWAYS
from tests.faults.run import Plan, Run

pytestmark = [
    pytest.mark.timeout(600),
    # The supervisor is stopped by other means than by whoever started it.
    pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exc.*Popen:pytest.PytestUnraisableExceptionWarning"
    ),
]
NAMES = [process.name for process in ALWAYS]
GRACE = 10


@contextmanager
def all_well(_rig):
    yield


@contextmanager
def servers_gone(rig):
    servers = ("rabbitmq", "postgres")
    for name in servers:
        rig.halt(name)
    yield
    rig.run(*servers)
    rig.wait_for(*servers)


@contextmanager
def alarm(rig):
    rabbitmq.control(rig.system, "set_vm_memory_high_watermark", "0")
    eventually(lambda: "the outbox keeps" in rig.log("relay"))
    yield
    rabbitmq.control(rig.system, "set_vm_memory_high_watermark", "absolute", "2GB")


@contextmanager
def silence(rig):
    for proxy in rig.proxies.values():
        proxy.silences = True
        proxy.silence()
    yield
    for proxy in rig.proxies.values():
        proxy.silences = False
        proxy.reset()


@pytest.mark.parametrize("state", [all_well, servers_gone, alarm, silence])
def test_every_process_is_gone_within_ten_seconds_and_nothing_is_lost(running, state):
    run = Run(running, Plan("leaving", seed=1, orders=40, rate=10))

    run.play(partial(everything_stops, state), lambda _words: None)

    found = verdict.of(run, state.__name__)
    assert found.kept, found.explained()


def test_every_web_process_is_a_session_of_its_own(running):
    """Else customers share one share of the processors with all workers."""
    processes = running.children("web")

    assert processes
    assert [os.getsid(one) for one in processes] == processes


def everything_stops(state, run):
    eventually(lambda: run.customers.granted > 10)
    with state(run.rig):
        took = stop_all(run.rig)
    run.rig.run(*NAMES)
    slow = {name: seconds for name, seconds in took.items() if seconds >= GRACE}
    run.complain(*(f"{name} took {seconds} s." for name, seconds in slow.items()))


def stop_all(rig):
    """Stop everything as in production; return the seconds that each process took."""
    pids = {name: rig.pid(name) for name in NAMES}
    start, took = time.monotonic(), {}
    rig.halt_all()

    def gone():
        for name in NAMES:
            if name not in took and not Path(f"/proc/{pids[name]}").exists():
                took[name] = round(time.monotonic() - start, 1)
        return len(took) == len(NAMES)

    eventually(gone, within=2 * GRACE)
    return took
