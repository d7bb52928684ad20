"""Real worker and relay processes for tests, on the test database."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from kombu import Connection

from tests.awaiting import eventually

ROOT = Path(__file__).parent.parent
PR_SET_PDEATHSIG = 1
BIN = Path(sys.executable).parent


def environment(**more):
    """Return this process's environment with the test database in it."""
    url, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = connection.settings_dict["NAME"]
    return os.environ | {
        "DATABASE_URL": f"{url}/{name}",
        "C_FORCE_ROOT": "1",
        "PYTHONPATH": str(ROOT),
        **{key: str(value) for key, value in more.items()},
    }


def manage(*words, **settings_of_it):
    """Run a management command to its end, and return it ended."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(**settings_of_it),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def process(*words, **settings_of_it):
    """Run a command in its own process group, and end the whole group afterwards."""
    with tempfile.TemporaryFile("w+") as log:
        running = subprocess.Popen(
            words,
            cwd=ROOT,
            env=environment(**settings_of_it),
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_us,  # noqa: PLW1509 - it touches no lock
        )
        running.log = lambda: (log.flush(), log.seek(0), log.read())[-1]
        try:
            yield running
        finally:
            _end(running)


def _die_with_us():
    # A test run that is killed must not leave workers on the test database behind.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(running):
    running.terminate()
    try:
        running.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@contextmanager
def worker(*queues, app="orders_project", concurrency=1, **settings_of_it):
    """Run one Celery worker that consumes from these queues; it does when we start."""
    before = {queue: consumers(queue) for queue in queues}
    words = [BIN / "celery", "-A", app, "worker", "-Q", ",".join(queues)]
    words += ["-c", str(concurrency), "-O", "fair", "--without-gossip"]
    words += ["--without-mingle", "-n", f"{queues[0]}-{os.urandom(3).hex()}@test"]
    with process(*map(str, words), **settings_of_it) as running:
        try:
            eventually(
                lambda: (
                    running.poll() is not None
                    or all(consumers(queue) > before[queue] for queue in queues)
                )
            )
        except AssertionError as error:
            raise AssertionError(running.log()[-4000:]) from error
        assert running.poll() is None, running.log()
        yield running


@contextmanager
def relay(**settings_of_it):
    """Run a relay process; it is connected when we start."""
    words = (sys.executable, "manage.py", "relay")
    with process(*words, **settings_of_it) as running:
        try:
            eventually(lambda: "is connected" in running.log(), every=0.1)
        except AssertionError as error:
            raise AssertionError(running.log()[-4000:]) from error
        yield running


def counts(queue):
    """Return (ready messages, consumers) as the broker says."""
    with Connection(settings.AMQP_URL) as broker, broker.channel() as channel:
        found = channel.queue_declare(queue, passive=True)
        return found.message_count, found.consumer_count


def consumers(queue):
    return counts(queue)[1]


def depth(queue):
    return counts(queue)[0]
