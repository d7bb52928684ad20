"""PostgreSQL and RabbitMQ of one system: somebody else's, our programs, or containers,
in this order.
"""

from collections.abc import Callable

from deploy.local import docker, postgres, programs, rabbitmq, supervise
from deploy.local.errors import PlainError
from deploy.local.program import Program
from deploy.local.system import System
from deploy.local.waiting import until


def choose(system: System) -> None:
    """Write down where this system's servers come from."""
    system.notice_outside()
    system.in_docker = bool(set(programs.missing()) - set(system.outside))
    if system.in_docker and not docker.answers():
        raise PlainError(programs.WAYS)


def to_supervise(system: System) -> list[Program]:
    """Those that are ours and no containers."""
    if system.in_docker:
        return []
    database = [postgres.program(system)] if system.uses_own("DATABASE_URL") else []
    broker = (
        [rabbitmq.name_server(system), rabbitmq.program(system)]
        if system.uses_own("AMQP_URL")
        else []
    )
    return database + broker


def start(system: System) -> None:
    """Return when both accept connections."""
    if system.in_docker:
        docker.start(system)
    else:
        _start_programs(system)
    _await(system, "rabbitmq", lambda: rabbitmq.is_ready(system))


def stop(system: System) -> None:
    """What the supervisor has not stopped already."""
    if system.in_docker:
        docker.stop(system)


def remove(system: System) -> None:
    """Forget their data."""
    if system.in_docker:
        docker.remove(system)
    postgres.remove(system)


def _start_programs(system: System) -> None:
    """The broker first, since it boots longest; the database is made meanwhile."""
    if system.uses_own("AMQP_URL"):
        _start_broker(system)
    if system.uses_own("DATABASE_URL"):
        _start_database(system)


def _start_broker(system: System) -> None:
    rabbitmq.prepare(system)
    supervise.start(system, [rabbitmq.name_server(system)])
    _await(system, "epmd", lambda: rabbitmq.names_are_ready(system))
    supervise.start(system, [rabbitmq.program(system)])


def _start_database(system: System) -> None:
    postgres.prepare(system)
    supervise.start(system, [postgres.program(system)])
    _await(system, "postgres", lambda: postgres.is_ready(system))
    postgres.create_database(system)


def _await(system: System, name: str, condition: Callable[[], bool]) -> None:
    until(condition, what=name, seconds=90, still=lambda: supervise.check(system, name))
