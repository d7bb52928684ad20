"""One run of one contestant: its processes, its orders, the clock, and the check."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environments, orders
from benchmarks.contestants import Contestant
from benchmarks.cpu import cpu_seconds
from benchmarks.room import Room, room
from deploy.local import supervise
from deploy.local.errors import PlainError
from deploy.local.system import MARK, System

#: Carried before the clock starts: every process is up then, connected and warm.
WARM_UP = 100
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 60
#: Of each log, when a run fails.
LAST_LINES = 12
SERVERS = {"rabbitmq": "RabbitMQ", "postgres": "PostgreSQL"}
PLACING = "placing"


@dataclass(frozen=True)
class Result:
    """So many orders in so many seconds; the CPU seconds of each process, and what
    PostgreSQL wrote for one order.
    """

    name: str
    orders: int
    seconds: float
    cpu: Mapping[str, float]
    written: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.orders / self.seconds


def run(system: System, contestant: Contestant, count: int) -> Result:
    """Carry so many orders, and check every one of them."""
    with room(system, f"bench_{contestant.name}") as own:
        stage = Stage(system, contestant, own)
        stage.prepare(WARM_UP + count)
        written = own.written()
        with stage.up():
            stage.carry(0, WARM_UP)
            cpu, start = stage.cpu(), time.monotonic()
            stage.carry(WARM_UP, WARM_UP + count)
            seconds = time.monotonic() - start
            spent = _since(cpu, stage.cpu())
        written = _since(written, own.written(), orders=WARM_UP + count)
    return Result(contestant.name, count, seconds, spent, written)


def _since(
    before: Mapping[str, float], now: Mapping[str, float], orders: int = 1
) -> dict[str, float]:
    return {name: (value - before[name]) / orders for name, value in now.items()}


class Stage:
    """A contestant at work in a room of its own."""

    def __init__(self, system: System, contestant: Contestant, own: Room) -> None:
        self.system, self.contestant, self.room = system, contestant, own
        self.file = system.folder / "orders.json"
        self.environment = {
            **system.environment(),
            **environments.variables(contestant),
            "DATABASE_URL": own.database_url,
            "AMQP_URL": own.amqp_url,
            "ORDERS": str(self.file),
            MARK: str(system.folder),
        }
        self.processes: dict[str, subprocess.Popen[str]] = {}

    def prepare(self, count: int) -> None:
        """Make the orders, the tables, and what else must be there at the start."""
        self.orders = orders.write(self.file, count)
        if not self.contestant.has_own_tables:
            self.room.apply_schema()
        command = self.contestant.prepare
        if command and self._start("prepare", command).wait():
            raise PlainError(self._failure(f"{command} fails", "prepare"))

    @contextmanager
    def up(self) -> Iterator[None]:
        """Start everything that takes part, and stop it again."""
        with ExitStack() as stack:
            for name, command in self._commands().items():
                self.processes[name] = stack.enter_context(self.process(name, command))
            yield

    def carry(self, first: int, last: int) -> None:
        """Have these orders placed; return when all of them have all their rows."""
        self.say(f"{first} {last}")
        expected = orders.expected(self.orders[:last])
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen = ""
        while found := self.room.differs(self.contestant.check, expected):
            self._check_processes()
            if found != seen:
                seen, deadline = found, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise PlainError(
                    self._failure(f"nothing moves; {found}", *self.processes)
                )
            time.sleep(LOOK_SECONDS)

    def cpu(self) -> dict[str, float]:
        """CPU seconds until now, by process."""
        pids = {name: process.pid for name, process in self.processes.items()}
        supervised = supervise.processes(self.system)
        pids |= {title: supervised[name]["pid"] for name, title in SERVERS.items()}
        return {name: cpu_seconds(pid) for name, pid in pids.items()}

    def _commands(self) -> dict[str, str]:
        return {**self.contestant.processes, PLACING: self.contestant.place}

    def say(self, line: str) -> None:
        """Tell the program that places the orders which."""
        pipe = self.processes[PLACING].stdin
        pipe.write(f"{line}\n")
        pipe.flush()

    def _check_processes(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise PlainError(self._failure(f"{name} has ended", name))

    def _failure(self, what: str, *logs: str) -> str:
        tails = (f"--- {name}\n{self._tail(name)}" for name in logs)
        return "\n".join([f"{self.contestant.title}: {what}", *tails])

    @contextmanager
    def process(
        self, name: str, command: str, **more: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a program in here, with more in its environment."""
        process = self._start(name, command, **more)
        try:
            yield process
        finally:
            # With its children, and at once: nothing of it is needed any more.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, command: str, **more: str) -> subprocess.Popen[str]:
        with self._log(name).open("w") as log:
            return subprocess.Popen(
                shlex.split(command),
                cwd=self.contestant.home or self.contestant.folder,
                env=self.environment | more,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is ours to pass on
                text=True,
            )

    def _tail(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").rstrip().splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def _log(self, name: str) -> Path:
        return self.system.folder / "log" / f"{self.contestant.name}-{name}.log"
