"""The application's processes in one system, and how one knows that they work."""

import shlex
from collections.abc import Iterable, Iterator

from deploy.local import processes, rabbitmq, supervise
from deploy.local.fetch import fetch
from deploy.local.processes import Process
from deploy.local.program import Program
from deploy.local.system import System
from deploy.local.waiting import until


def needed(system: System) -> list[Process]:
    """A demo has its own report; beat and Flower are for a system that stays."""
    always = [processes.WEB, processes.RELAY, *processes.local_workers()]
    return always if system.short_lived else [*always, processes.BEAT, processes.FLOWER]


def programs(system: System, processes: Iterable[Process]) -> Iterator[Program]:
    """Yield what the supervisor is told of each; the system has its ports by then."""
    for process in processes:
        filled, extra = _filled(system, process), _extra(system, process)
        yield Program(
            process.name, filled, environment=extra, stop_signal=process.stop_signal
        )


def wait_for(system: System, process: Process) -> None:
    """Return when it does its work, raise when it never will."""
    until(
        lambda: is_ready(system, process),
        what=process.name,
        seconds=60,
        still=lambda: supervise.check(system, process.name),
    )


def is_ready(system: System, process: Process) -> bool:
    """The web server says it is ready, a worker hears all its queues; the others only
    have to run.
    """
    if process is processes.WEB:
        return _answers(f"{system.web}/readyz")
    return set(process.queues) <= heard(system) if process.queues else True


def heard(system: System) -> set[str]:
    """The queues that have a consumer."""
    found = rabbitmq.ask(system, f"consumers/{rabbitmq.vhost(system)}") or []
    return {consumer["queue"]["name"] for consumer in found}


def _filled(system: System, process: Process) -> str:
    return process.command.format(
        web=f"127.0.0.1:{system.ports['web']}",
        flower_address="127.0.0.1",
        flower_port=system.ports["flower"],
        folder=shlex.quote(str(system.folder)),
    )


def _extra(system: System, process: Process) -> dict[str, str]:
    """Flower's login: everyone may read a command line, not an environment."""
    if process is not processes.FLOWER:
        return {}
    return {"FLOWER_BASIC_AUTH": f"admin:{system.secrets['flower']}"}


def _answers(url: str) -> bool:
    try:
        return bool(fetch(url))
    except OSError:
        return False
