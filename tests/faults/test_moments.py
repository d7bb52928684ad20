"""Every moment that the code names is one that F1 kills at; and it names no other."""

import ast
from pathlib import Path

from orders_project.messaging import crash
from orders_project.messaging.steps import STEPS
from tests.faults.crashing import MOMENTS, SWEEPS, TASKS

ROOT = Path(crash.__file__).parents[2]
CODE = (
    "orders_project",
    "orders",
    "inventory",
    "payments",
    "shipping",
    "notifications",
    "audit",
)


def sources():
    for package in CODE:
        yield from (file.read_text() for file in (ROOT / package).rglob("*.py"))


def named_in_the_code():
    calls = (
        node
        for source in sources()
        if "crash_point(" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    )
    for call in calls:
        if getattr(call.func, "id", "") == "crash_point":
            yield call.args[0].value


def test_f1_kills_at_every_moment_that_the_code_names():
    named = list(named_in_the_code())

    assert len(named) == len(set(named)), "two moments of one name are one to F1"
    assert set(named) == set(MOMENTS)


def test_f1_knows_every_step():
    assert set(TASKS) == {one for one in STEPS if not one.startswith("tests.")}


def test_f1_knows_every_sweep():
    for sweep in SWEEPS:
        package, _, name = sweep.rpartition(".")
        source = (ROOT / package.replace(".", "/")).with_suffix(".py").read_text()
        assert f"@nudging.single\ndef {name}" in source
    assert sum(one.count("@nudging.single") for one in sources()) == len(SWEEPS)


def test_without_the_variable_nothing_is_looked_up(tmp_path, monkeypatch):
    (tmp_path / "relay: published, not committed").touch()
    monkeypatch.setattr(crash, "FOLDER", None)

    crash.crash_point("relay: published, not committed")


def test_what_is_armed_kills_one_process_once(tmp_path, monkeypatch):
    killed = []
    monkeypatch.setattr(crash.os, "kill", lambda *told: killed.append(told))
    monkeypatch.setattr(crash, "FOLDER", str(tmp_path))
    (tmp_path / "a moment, a.queue").touch()

    for where in ("other.queue", "a.queue", "a.queue"):
        crash.crash_point("a moment", where)
    assert len(killed) == 1
