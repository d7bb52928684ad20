"""What the tools say of the whole project: nothing."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent

TOOLS = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy", "."],
    "imports": ["lint-imports"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "deployment": [
        *("python", "-W", "error", "manage.py"),
        *("check", "--deploy", "--fail-level", "WARNING"),
    ],
}
#: As on a server that strangers can reach.
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "DEBUG": "false",
    "HTTPS": "true",
    "HSTS_SECONDS": "31536000",
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_have_nothing_to_say(tool):
    program, *words = TOOLS[tool]
    done = subprocess.run(
        [BIN / program, *words],
        cwd=ROOT,
        env=os.environ | PRODUCTION,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{program} {' '.join(words)}\n{done.stdout}", pytrace=False)
