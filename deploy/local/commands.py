"""What each command does; __main__.py makes a command line of the tables at the end."""

import os
from argparse import Namespace

from deploy.local import asking, lifecycle, signals, status, supervise
from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.say import say, tell
from deploy.local.session import short_lived
from deploy.local.system import System


def start(options: Namespace) -> None:
    """Start in the background and print the addresses."""
    system = System.load(options.name)
    was_up = supervise.is_up(system)
    try:
        _start(system, only_servers=options.only == "infra")
    except signals.Interrupted:
        with signals.unheard():
            if not was_up:
                lifecycle.stop(system)
        raise
    except PlainError:
        say("what has started keeps running; bin/dev stop ends it")
        raise
    tell(status.text(system))


def stop(options: Namespace) -> None:
    """Stop everything."""
    lifecycle.stop(System.load(options.name))
    say("stopped")


def show(options: Namespace) -> None:
    """Print addresses, logins and process ids."""
    system = System.load(options.name)
    tell(status.as_json(system) if options.json else status.text(system))


def env(options: Namespace) -> None:
    """Print the settings as KEY=VALUE lines."""
    settings = _running(options.name).settings()
    tell("\n".join(f"{name}={value}" for name, value in settings.items()))


def run(options: Namespace) -> None:
    """Run a command with the settings of a running system."""
    if not options.words:
        raise PlainError("which command? bin/dev run -- python manage.py check")
    environment = _running(options.name).environment()
    os.chdir(ROOT)
    _become(options.words, environment)


def up(options: Namespace) -> None:
    """Start in the foreground, follow the logs, stop at Ctrl-C."""
    system = System.load(options.name)
    try:
        _start(system)
        tell(status.text(system))
        _follow(system)
    finally:
        with signals.unheard():
            say("stopping")
            lifecycle.stop(system)


def logs(options: Namespace) -> None:
    """Follow the logs of one process or of all."""
    _follow(System.load(options.name), options.process or "*")


def demo(options: Namespace) -> int:
    """Run orders through a fresh private system and remove it."""
    asking.check(options.words)
    with short_lived("demo") as system:
        lifecycle.start(system)
        lifecycle.seed(system)
        command = [
            "python",
            "manage.py",
            "run_demo",
            "--url",
            system.web,
            *options.words,
        ]
        return signals.run(command, system.environment())


def test(options: Namespace) -> int:
    """Run pytest with fresh private servers and remove them."""
    with short_lived("test") as system:
        lifecycle.start(system, only_servers=True)
        return signals.run(
            ["python", "-m", "pytest", *options.words], system.environment()
        )


def _running(name: str) -> System:
    """One that never ran has no ports, and so no settings."""
    system = System.load(name)
    if not supervise.is_up(system):
        raise PlainError(f"{name} is not running: start it with bin/dev start")
    return system


def _become(words: list[str], environment: dict[str, str]) -> None:
    try:
        os.execvpe(words[0], words, environment)  # noqa: S606 - asked for
    except OSError as error:
        raise PlainError(
            f"{words[0]} cannot be run: {error.strerror}. Is it spelled right, and in "
            ".venv/bin or on the PATH?"
        ) from None


def _start(system: System, *, only_servers: bool = False) -> None:
    lifecycle.start(system, only_servers=only_servers)
    if not only_servers:
        lifecycle.seed(system)
        lifecycle.create_admin(system)


def _follow(system: System, process: str = "*") -> None:
    files = sorted(str(file) for file in (system.folder / "log").glob(f"{process}.log"))
    if not files:
        raise PlainError(f"no log of {process} in {system.folder / 'log'}")
    signals.run(["tail", "-n", "5", "-F", *files], system.environment())


COMMANDS = {
    "start": start, "stop": stop, "status": show, "env": env, "run": run,
    "up": up, "logs": logs, "demo": demo, "test": test,
}  # fmt: skip
OPTIONS = {
    "start": [
        (
            ("--only",),
            {"choices": ["infra"], "help": "infra: PostgreSQL and RabbitMQ alone"},
        )
    ],
    "status": [(("--json",), {"action": "store_true"})],
    "logs": [(("process",), {"nargs": "?"})],
}
