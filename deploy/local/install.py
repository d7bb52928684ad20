"""What bin/setup runs: the environment, then a way to have PostgreSQL and RabbitMQ.

Only the standard library: it comes before anything is installed.
"""

import os
import sys

from deploy.local import debian, docker, environment, programs
from deploy.local.errors import PlainError, plainly
from deploy.local.places import VENV, alone
from deploy.local.system import OUTSIDE

PACKAGES = {"DATABASE_URL": "postgresql", "AMQP_URL": "rabbitmq-server"}


@plainly
def main(words: list[str]) -> int:
    """Install what is missing (a second run finds everything and says nothing), then
    become what is named after --then.
    """
    options, then = _split(words)
    files = [
        "requirements.txt",
        *(["requirements-dev.txt"] if "--dev" in options else []),
    ]
    # Two installations at once would each find the other's half.
    with alone("setup"):
        environment.install(files)
        _find_servers()
    if then:
        # Not a child of a shell script: a TERM to that would leave it running.
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, "-m", "deploy.local", *then])  # noqa: S606 - ours
    return 0


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    end = words.index("--then") if "--then" in words else len(words)
    return words[:end], words[end + 1 :]


def _find_servers() -> None:
    """In the order in which they are looked for at every start."""
    missing = [name for name in programs.missing() if name not in _outside()]
    if not missing or docker.answers():
        return
    if not debian.can_install():
        raise PlainError(programs.WAYS)
    debian.install(
        [PACKAGES[name] for name in missing],
        why="no server here, no Docker engine, no address given",
    )


def _outside() -> set[str]:
    return {name for name in OUTSIDE if os.environ.get(name)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
