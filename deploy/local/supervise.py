"""Talking to the supervisor (supervisord) that keeps a system's processes running."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable
from functools import partial

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.program import Program
from deploy.local.system import MARK, System
from deploy.local.waiting import until

#: Groups stop from last to first, each as a whole: workers side by side, then the
#: servers they talk to.
GROUPS = ("names", "servers", "app")
#: Of a log, when its process does not start.
LAST_LINES = 25
HEAD = """\
[unix_http_server]
file = {socket}
chmod = 0600
[supervisord]
nodaemon = true
directory = {root}
logfile = {folder}/log/supervisord.log
pidfile = {folder}/supervisord.pid
childlogdir = {folder}/log
minfds = 1024
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """\
[program:{program.name}]
command = {command}
environment = {environment}
{user}autostart = false
autorestart = true
startretries = 20
stopsignal = {program.stop_signal}
stopwaitsecs = {program.stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = {folder}/log/{program.name}.log
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
"""


def launch(system: System, programs: list[Program]) -> None:
    """Start the supervisor; nothing runs under it yet."""
    (system.folder / "log").mkdir(mode=0o700, exist_ok=True)
    file = system.folder / "supervisord.conf"
    file.touch(mode=0o600)
    file.write_text(configuration(system, programs))
    with (system.folder / "log" / "supervisor.err").open("w") as log:
        subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(file)],
            env={**system.environment(), MARK: str(system.folder)},
            start_new_session=True,  # Ctrl-C is for us: we stop them in order
            preexec_fn=partial(_die_with, os.getpid()) if system.short_lived else None,  # noqa: PLW1509 - we have no threads
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    until(lambda: is_up(system), what="the supervisor", seconds=10)


def configuration(system: System, programs: list[Program]) -> str:
    """The supervisor's file, which holds passwords and is therefore ours alone."""
    head = HEAD.format(
        socket=system.socket,
        root=_escaped(str(ROOT)),
        folder=_escaped(str(system.folder)),
    )
    groups = (
        _group(name, [program.name for program in programs if program.group == name])
        for name in GROUPS
    )
    return "\n".join(
        [head, *(_section(system, program) for program in programs), *groups]
    )


def start(system: System, programs: Iterable[Program]) -> None:
    """Start those that do not run."""
    known = processes(system)
    for program in programs:
        if _state(known, program.name) not in ("RUNNING", "STARTING"):
            _call(system).supervisor.startProcess(program.id, False)


def halt(system: System, program: Program) -> None:
    """Stop it by its own signal, and keep it stopped."""
    with contextlib.suppress(xmlrpc.client.Fault):  # it does not run
        _call(system).supervisor.stopProcess(program.id)


def halt_all(system: System, group: str) -> None:
    """Stop a group's programs side by side; returns before they have stopped."""
    _call(system).supervisor.stopProcessGroup(group, False)


def processes(system: System) -> dict[str, dict]:
    """What the supervisor knows about each process."""
    return {info["name"]: info for info in _call(system).supervisor.getAllProcessInfo()}


def check(system: System, name: str) -> None:
    """Raise when a process that is waited for has given up; a container, or somebody
    else's server, is none that the supervisor knows.
    """
    info = processes(system).get(name)
    if info and info["statename"] in ("FATAL", "EXITED", "STOPPED"):
        raise PlainError(
            f"{name} does not start; the end of its log:\n{tail(system, name)}"
        )


def tail(system: System, name: str) -> str:
    log = system.folder / "log" / f"{name}.log"
    return (
        "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        if log.exists()
        else "(no log)"
    )


def is_up(system: System) -> bool:
    try:
        return _call(system).supervisor.getState()["statename"] == "RUNNING"
    except (OSError, xmlrpc.client.Error):
        return False


def shut_down(system: System) -> None:
    """Ask it to stop everything and then itself; it answers at once."""
    with contextlib.suppress(OSError, xmlrpc.client.Error):  # gone, or going already
        _call(system).supervisor.shutdown()


def _state(known: dict[str, dict], name: str) -> str:
    if name not in known:
        raise PlainError(
            f"the running supervisor knows no {name}: another version of this checkout "
            "started it. Run bin/dev stop, then bin/dev start"
        )
    return known[name]["statename"]


def _call(system: System) -> xmlrpc.client.ServerProxy:
    transport = SupervisorTransport(None, None, f"unix://{system.socket}")
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)


def _section(system: System, program: Program) -> str:
    pairs = ",".join(
        f'{key}="{_escaped(value)}"' for key, value in program.environment.items()
    )
    user = f"user = {program.user}\n" if program.user else ""
    folder = _escaped(str(system.folder))
    return PROGRAM.format(
        program=program,
        command=_escaped(program.command),
        environment=pairs,
        user=user,
        folder=folder,
    )


def _group(name: str, members: list[str]) -> str:
    if not members:
        return ""
    priority = GROUPS.index(name)
    return f"[group:{name}]\nprograms = {','.join(members)}\npriority = {priority}\n"


def _escaped(text: str) -> str:
    """The supervisor expands %(names)s."""
    return text.replace("%", "%%")


def _die_with(parent: int) -> None:
    """A demo that is killed outright takes its system with it."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it was quicker
        os.kill(os.getpid(), signal.SIGTERM)
