"""Starting a system in order, each step when the one before it works, and stopping it
until nothing is left.
"""

import shutil
import subprocess
from collections.abc import Iterable, Sequence

from deploy.local import application, leftovers, servers, supervise
from deploy.local.errors import PlainError
from deploy.local.places import ROOT, RUN, alone
from deploy.local.processes import Process
from deploy.local.program import Program
from deploy.local.say import say
from deploy.local.system import System
from deploy.local.waiting import until


def start(system: System, *, only_servers: bool = False) -> None:
    """Bring up what does not run yet."""
    # Two starts at once would each take the other for a leftover.
    with alone(system.name):
        if not supervise.is_up(system):
            prepare(system, application.programs(system, application.needed(system)))
        say("starting PostgreSQL and RabbitMQ")
        servers.start(system)
        if not only_servers:
            start_application(system, application.needed(system))


def stop(system: System) -> None:
    """Stop everything and make sure of it."""
    with alone(system.name):
        supervise.shut_down(system)
        _await_end(system)
        servers.stop(system)
        system.socket.unlink(missing_ok=True)


def remove(system: System) -> None:
    """Stop it and forget its data."""
    stop(system)
    servers.remove(system)
    shutil.rmtree(system.folder, ignore_errors=True)
    (RUN / f"{system.name}.lock").unlink(missing_ok=True)


def seed(system: System) -> None:
    """Something to sell, once."""
    if not system.seeded:
        say("loading the catalogue")
        manage(system, "load_catalogue")
        manage(system, "receive_stock")
        system.seeded = True
        system.save()


def create_admin(system: System) -> None:
    """The admin's login, made at the first start and kept."""
    if not system.has_admin:
        login = {
            "USERNAME": "admin",
            "EMAIL": "admin@localhost",
            "PASSWORD": system.secrets["admin"],
        }
        superuser = {f"DJANGO_SUPERUSER_{key}": value for key, value in login.items()}
        manage(system, "createsuperuser", "--no-input", **superuser)
        system.has_admin = True
        system.save()


def manage(system: System, *words: str, **more: str) -> None:
    """Run one management command to its end, with more in its environment."""
    environment = {**system.environment(), **more}
    line = ["python", "manage.py", *words]
    done = subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
        raise PlainError(f"manage.py {' '.join(words)} failed:\n{said}")


def prepare(system: System, programs: Iterable[Program]) -> None:
    """Folders, ports and a supervisor, with nothing of an earlier life in the way.

    `programs` is only read once the ports are known.
    """
    if leftovers.of(system):
        say("stopping what an earlier run left behind")
        leftovers.stop(system)
    servers.choose(system)
    system.choose_ports()
    system.save()
    system.folder.chmod(
        0o711
    )  # PostgreSQL may run as another user and must pass through
    (system.folder / "outgoing").mkdir(mode=0o700, exist_ok=True)
    supervise.launch(system, [*servers.to_supervise(system), *programs])


def start_application(system: System, processes: Sequence[Process]) -> None:
    """Bring the schema and the topology up to date, then the processes."""
    manage(system, "migrate", "--no-input")
    manage(system, "topology", "--apply")
    say("starting the application")
    supervise.start(system, application.programs(system, processes))
    for process in processes:
        application.wait_for(system, process)


def _await_end(system: System) -> None:
    """The supervisor stops its own; what it does not stop in time, or had lost, is
    stopped here.
    """
    patience = 30 if supervise.is_up(system) else 2
    try:
        until(lambda: not leftovers.of(system), what="stopping", seconds=patience)
    except PlainError:
        leftovers.stop(system)
