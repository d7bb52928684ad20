"""What each contestant is installed in: its own, pinned and hashed, under .run/."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from benchmarks.contestants import Contestant
from deploy.local import quiet
from deploy.local.errors import PlainError
from deploy.local.places import RUN, VENV
from deploy.local.say import say

HOME = RUN / "benchmarks"


def install(contestant: Contestant) -> None:
    """Nothing, when it is there and neither its pins nor our Python have changed."""
    pins = _pins(contestant)
    if pins is None or _stamp(contestant, pins).exists():
        return
    say(f"installing {contestant.title} into .run/benchmarks/{contestant.name}")
    shutil.rmtree(HOME / contestant.name, ignore_errors=True)
    (HOME / contestant.name).mkdir(parents=True)
    MAKERS[pins.name](contestant, pins)
    _stamp(contestant, pins).touch()


def variables(contestant: Contestant) -> dict[str, str]:
    """What makes its programs find what was installed for it."""
    own = HOME / contestant.name
    programs = own / "bin" if (own / "bin").exists() else VENV / "bin"
    return {
        "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
        "NODE_PATH": str(own / "node_modules"),
    }


def _pins(contestant: Contestant) -> Path | None:
    files = (contestant.folder / name for name in MAKERS)
    return next((file for file in files if file.exists()), None)


def _stamp(contestant: Contestant, pins: Path) -> Path:
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:16]
    return HOME / contestant.name / f"installed-{digest}"


def _venv(contestant: Contestant, pins: Path) -> None:
    own = HOME / contestant.name
    quiet.run([sys.executable, "-m", "venv", own], doing="python -m venv")
    options = ["--require-hashes", "--no-deps", "--disable-pip-version-check"]
    pip = [own / "bin" / "python", "-m", "pip", "install", *options, "-r", pins]
    quiet.run(pip, doing="pip install")


def _modules(contestant: Contestant, pins: Path) -> None:
    if shutil.which("npm") is None:
        raise PlainError(
            f"{contestant.title} needs Node.js and npm: install them"
            " (Debian, Ubuntu: apt-get install nodejs npm), or leave it out with --only"
        )
    own = HOME / contestant.name
    for file in (pins, pins.with_name("package.json")):
        shutil.copy(file, own)
    quiet.run(["npm", "ci", "--prefix", own, "--no-audit", "--no-fund"], doing="npm ci")


#: The file that pins everything -> how a folder is made of it.
MAKERS = {"requirements.txt": _venv, "package-lock.json": _modules}
