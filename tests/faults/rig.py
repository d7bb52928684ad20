"""A private Waybill system to be harmed: real servers, real processes, a supervisor.

Every process reaches the broker through a proxy of its own, and the relay the database
too. A dead process is started again by the supervisor, as in production.
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
from kombu import Connection

from deploy.local import (
    application,
    lifecycle,
    postgres,
    processes,
    programs,
    rabbitmq,
    servers,
    supervise,
)
from deploy.local.processes import Process
from deploy.local.program import Program
from deploy.local.session import short_lived
from deploy.local.system import System, forget_outside
from tests.awaiting import eventually
from tests.faults.proxy import Proxy

CELERY = processes.local_workers()
WORKERS = [worker.name for worker in CELERY]
ALWAYS = [processes.WEB, processes.RELAY, processes.BEAT, *CELERY]
#: What a process is called whose clock is wrong, and by how many seconds it is.
AHEAD, BEHIND = "-ahead", "-behind"
WRONG = {AHEAD: 3600, BEHIND: -3600}


def _by_a_wrong_clock(worker: Process, kind: str) -> Process:
    clock = f"python -m tests.faults.wrong_clock {WRONG[kind]} "
    command = worker.command.replace("celery ", clock)
    return replace(worker, name=worker.name + kind, command=command)


def _killed_by_some_events(worker: Process) -> Process:
    # Two pool processes, so that one is left when an event kills the other.
    command = worker.command.replace("orders_project", "tests.faults.deadly")
    command = command.replace(" -c 1 ", " -c 2 ")
    return replace(worker, name=f"{worker.name}-deadly", command=command)


#: Started by the faults that are about them.
ON_DEMAND = [
    processes.FLOWER,
    replace(processes.RELAY, name="relay-2"),
    replace(
        processes.BEAT,
        name="beat-2",
        command=processes.BEAT.command.replace("beat-schedule", "beat-schedule-2"),
    ),
    *(_by_a_wrong_clock(one, name) for one in CELERY for name in WRONG),
    *(_killed_by_some_events(one) for one in CELERY if one.name == "worker-order"),
]
#: The variable that names a server -> its port, and who reaches it through a proxy.
PROXIED = {
    "AMQP_URL": ("amqp", [one.name for one in ALWAYS + ON_DEMAND]),
    "DATABASE_URL": ("postgres", ["relay"]),
}
#: In our logs, and in those of Celery.
ERROR = re.compile(r"^([\d-]{10} [\d:,]+) (?:ERROR|CRITICAL) (.*)", re.MULTILINE)
#: The last words of a process that ended by an error, which its supervisor hides.
ENDED = re.compile(
    r'^Traceback .*\n  File "[^"]*/(?:manage\.py|bin/\w+)".*\n(?:  .*\n)*(\S.*)',
    re.MULTILINE,
)
READY = {"postgres": postgres.is_ready, "rabbitmq": rabbitmq.is_ready}


@contextmanager
def rig(**settings: str) -> Iterator["Rig"]:
    """Start a system with these settings; afterwards nothing of it is left."""
    programs.need_own()
    with _environ(**settings), short_lived("faults") as system:
        running = Rig(system)
        running.start()
        yield running


@contextmanager
def _environ(**settings: str) -> Iterator[None]:
    before = dict(os.environ)
    forget_outside()
    os.environ.update({"C_FORCE_ROOT": "1", **settings})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Rig:
    """Processes by their names (as in `bin/dev status`), and what is done to them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.programs: dict[str, Program] = {}
        #: (process, amqp or postgres) -> the proxy between them.
        self.proxies: dict[tuple[str, str], Proxy] = {}

    def start(self) -> None:
        lifecycle.prepare(self.system, self._app())
        for program in servers.to_supervise(self.system):
            self.programs[program.name] = program
        servers.start(self.system)
        lifecycle.start_application(self.system, ALWAYS)
        lifecycle.seed(self.system)

    def _app(self) -> Iterator[Program]:
        for program in application.programs(self.system, ALWAYS + ON_DEMAND):
            more = dict(self._addresses(program.name)) | self._crash_points()
            own = replace(program, environment=program.environment | more)
            self.programs[program.name] = own
            yield own

    def _addresses(self, process: str) -> Iterator[tuple[str, str]]:
        for variable, (server, through) in PROXIED.items():
            if process in through:
                port = self.system.ports[server]
                proxy = self.proxies[process, server] = Proxy(port)
                url = self.system.settings()[variable]
                yield variable, url.replace(f":{port}/", f":{proxy.port}/")

    @property
    def crash_points(self) -> Path:
        """Where a file arms a moment, see orders_project/messaging/crash.py."""
        return self.system.folder / "crash-points"

    def _crash_points(self) -> dict[str, str]:
        return {"CRASH_POINTS": str(self.crash_points)}

    # ---- processes and servers
    def run(self, *names: str) -> None:
        """Start what does not run; returns at once."""
        supervise.start(self.system, [self.programs[name] for name in names])

    def halt(self, *names: str) -> None:
        """Stop them and keep them stopped: servers at once, as if the power went."""
        for name in names:
            supervise.halt(self.system, self.programs[name])

    def halt_all(self) -> None:
        """Stop the whole application, all at once; returns at once."""
        supervise.halt_all(self.system, self.programs["relay"].group)

    def tell(self, name: str, number: signal.Signals) -> None:
        """Send a process a signal; if that ends it, the supervisor starts it again."""
        kill(self.pid(name), number)

    def wait_for(self, *names: str) -> None:
        """Return when all of these do their work."""
        app = {process.name: process for process in ALWAYS + ON_DEMAND}
        for name in names:
            if name in READY:
                eventually(lambda name=name: READY[name](self.system), within=90)
            elif app[name].queues:
                eventually(lambda name=name: self._hears(app[name].queues), within=90)
            else:
                application.wait_for(self.system, app[name])

    def _hears(self, queues: Iterable[str]) -> bool:
        # The management API would say so up to 5 s later.
        with Connection(self.system.amqp_url) as broker, broker.channel() as channel:
            declared = (channel.queue_declare(one, passive=True) for one in queues)
            return all(found.consumer_count for found in declared)

    def pid(self, name: str) -> int:
        """Return the id of the process that runs under a name; 0 when there is none."""
        return supervise.processes(self.system)[name]["pid"]

    def is_connected(self, name: str) -> bool:
        """Tell whether a process has reached the broker."""
        return bool(self.proxies[name, "amqp"].links)

    def children(self, name: str) -> list[int]:
        """Return the processes that a worker, or the web server, has forked."""
        return children_of(self.pid(name))

    def log(self, name: str) -> str:
        return (self.system.folder / "log" / f"{name}.log").read_text(errors="replace")

    def logs(self) -> dict[str, str]:
        """Return what every process has logged, by its name."""
        files = sorted((self.system.folder / "log").glob("*.log"))
        return {file.stem: file.read_text(errors="replace") for file in files}

    def ended(self) -> list[str]:
        """Return which processes an error has ended, and which error."""
        return [
            f"{name} ended by itself: {words}"
            for name, text in self.logs().items()
            for words in ENDED.findall(text)
        ]

    def errors(self, since: float) -> list[str]:
        """Return which errors were logged since then (epoch seconds), and how often."""
        start = time.strftime("%F %T", time.gmtime(since))
        told = (
            (name, words)
            for name, text in self.logs().items()
            for when, words in ERROR.findall(text)
            if when >= start
        )
        return [
            f"{count} x {who}: {what}" for (who, what), count in Counter(told).items()
        ]

    def links(self, server: str) -> list[Proxy]:
        """Return the proxies of everybody who speaks to a server."""
        return [proxy for (_, to), proxy in self.proxies.items() if to == server]

    # ---- what is true
    def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, past every proxy."""
        with _database(self.system) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def environment(self) -> dict[str, str]:
        return self.system.environment()


@contextmanager
def _database(system: System) -> Iterator[Any]:
    connection = psycopg2.connect(system.database_url, connect_timeout=3)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def kill(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process; one that has just ended, or none (0), is left in peace."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def children_of(parent: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in tasks.split()]
