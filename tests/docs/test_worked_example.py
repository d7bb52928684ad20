"""README's "Add an event and a handler", done step by step in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.docs.pages import README, ROOT

COPIED = (
    "orders_project",
    "orders",
    "inventory",
    "payments",
    "shipping",
    "notifications",
    "audit",
    "manage.py",
    "pyproject.toml",
    "tests/__init__.py",
    "tests/bus.py",
    "tests/events.py",
    "tests/conftest.py",
    "tests/rabbit.py",
    "tests/awaiting.py",
    "tests/shipping/__init__.py",
    "tests/messaging/__init__.py",
    "tests/messaging/test_topology.py",
)
UNHEARD = "from orders_project.messaging import inspection as i; print(*i.unheard())"


@pytest.fixture
def project(tmp_path):
    for name in COPIED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=_compiled)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, target)
    return tmp_path


_compiled = shutil.ignore_patterns("__pycache__", "data")


def test_an_event_that_nobody_hears_is_named(project):
    _apply(project, README.blocks("diff")[0])

    said = _run(project, "-c", f"import django; django.setup(); {UNHEARD}")

    assert "Nobody hears order.gift_wrapped but the audit." in said


def test_the_new_event_is_heard_and_its_tests_pass(project):
    for diff in README.blocks("diff"):
        _apply(project, diff)
    new = [_write(project, block) for block in README.blocks("python")]
    _run(project, "manage.py", "makemigrations", "shipping")

    tests = ("tests/shipping", "tests/messaging")
    assert " passed" in _run(project, "-m", "pytest", "-q", *tests)
    _run(project, "-m", "ruff", "check", *new)
    _run(project, "-m", "ruff", "format", "--check", *new)


def _apply(project, diff):
    """Apply a diff that finds its places by their text, not by their numbers."""
    name, _, rest = diff.removeprefix("+++ ").partition("\n")
    text = (project / name).read_text()
    for hunk in re.split(r"^@@\n", rest, flags=re.MULTILINE)[1:]:
        before, after = _side(hunk, "-"), _side(hunk, "+")
        assert text.count(before) == 1, f"README: {name} no longer has once:\n{before}"
        text = text.replace(before, after)
    (project / name).write_text(text)


def _side(hunk, sign):
    lines = hunk.splitlines(keepends=True)
    return "".join(line[1:] for line in lines if line[0] in (" ", sign))


def _write(project, block):
    name, _, text = block.removeprefix("# ").partition("\n")
    (project / name).write_text(text)
    return name


def _run(project, *words):
    # A database of its own, beside the one of the tests that run this one.
    own = {"DATABASE_URL": os.environ["DATABASE_URL"] + "_example"}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env=os.environ | own | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
