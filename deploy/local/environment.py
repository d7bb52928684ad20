"""The virtual environment, filled from the hashed requirements and nothing else."""

import hashlib
import importlib.util
import shutil
import sys

from deploy.local import debian, quiet
from deploy.local.errors import PlainError
from deploy.local.places import ROOT, VENV
from deploy.local.say import say

#: One line for the environment itself and one for each requirements file that is wholly
#: installed.
STAMP = VENV / "installed"


def install(files: list[str]) -> None:
    """Nothing, when the stamp says that all of it is there."""
    missing = [file for file in files if _stamp(file) not in _stamps()]
    if not missing:
        return
    if _whole() not in _stamps():
        _make()
    say(f"installing {' and '.join(missing)} into {VENV.name}")
    _pip(missing)
    _write({_whole(), *_stamps(), *map(_stamp, missing)})


def _make() -> None:
    """Anew: what is there belongs to another Python, another place, or an interrupted
    run.
    """
    if importlib.util.find_spec("ensurepip") is None:
        _get_ensurepip()
    say(f"creating {VENV.name} with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    quiet.run([_python(), "-m", "venv", VENV], doing="python -m venv")
    _write({_whole()})


def _get_ensurepip() -> None:
    """Debian ships Python's venv without the part that brings pip."""
    if not debian.can_install():
        raise PlainError(
            "Python's venv module is incomplete: install it"
            " (Debian, Ubuntu: apt-get install python3-venv)"
        )
    debian.install(["python3-venv"], why="Python's venv module is incomplete")


def _pip(files: list[str]) -> None:
    options = [
        "--require-hashes",
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--quiet",
    ]
    named = [word for file in files for word in ("-r", file)]
    quiet.run(
        [VENV / "bin" / "python", "-m", "pip", "install", *options, *named],
        doing="pip install",
    )


def _python() -> str:
    """The base interpreter: an environment made from another one breaks with it."""
    return getattr(sys, "_base_executable", sys.executable)


def _whole() -> str:
    return f"{VENV} {sys.version.split()[0]}"


def _stamp(file: str) -> str:
    """One for each text of the file."""
    return f"{file} {hashlib.sha256((ROOT / file).read_bytes()).hexdigest()}"


def _stamps() -> set[str]:
    return set(STAMP.read_text().splitlines()) if STAMP.exists() else set()


def _write(stamps: set[str]) -> None:
    STAMP.write_text("".join(f"{stamp}\n" for stamp in sorted(stamps)))
