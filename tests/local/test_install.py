"""Installing leaves the machine as it was, apart from what was installed."""

import os
import subprocess
from pathlib import Path

import pytest

from deploy.local import debian, environment, install, programs, signals
from deploy.local.errors import PlainError

SETUP = Path(__file__).resolve().parents[2] / "bin" / "setup"
#: Runs what it is given, or lacks the part that makes environments; -m tells its name.
PYTHON = """\
#!/bin/sh
case "$*" in -m*) echo {name} ;; *ensurepip*) exit {lacks} ;; esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A new one, with Pythons of our own; `run` tells which would make its .venv."""
    return Checkout(tmp_path)


class Checkout:
    def __init__(self, root):
        self.root = root
        self.install(
            "bin/setup",
            SETUP.read_text().replace("/usr/bin/python3", "usr/bin/python3"),
        )

    def install(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def add_python(self, path, name, lacks=0):
        self.install(path, PYTHON.format(name=name, lacks=lacks))

    def run(self):
        done = subprocess.run(
            [self.root / "bin" / "setup"],
            env={"PATH": f"{self.root}/path:{os.defpath}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def test_the_systems_python_comes_before_another_of_the_path(checkout):
    checkout.add_python("usr/bin/python3", "system")
    checkout.add_python("path/python3", "another")

    assert checkout.run() == "system"


def test_a_python_that_cannot_make_an_environment_comes_after_others(checkout):
    checkout.add_python("usr/bin/python3", "system", lacks=1)
    checkout.add_python("path/python3", "another")

    assert checkout.run() == "another"


def test_the_environments_own_python_comes_before_all_others(checkout):
    checkout.add_python(".venv/bin/python", "own")
    checkout.add_python("usr/bin/python3", "system")

    assert checkout.run() == "own"


@pytest.fixture
def policy(monkeypatch, tmp_path):
    monkeypatch.setattr(debian, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(debian, "SAVED", tmp_path / "policy-rc.d.before-waybill")
    return tmp_path / "policy-rc.d"


def _rule(policy, code):
    policy.write_text(f"#!/bin/sh\nexit {code}\n")
    policy.chmod(0o755)


def test_services_are_forbidden_while_packages_are_installed(policy):
    with debian._no_services():
        assert debian._denied()

    assert not policy.exists()


def test_the_machines_own_rule_is_put_back(policy):
    _rule(policy, 0)
    policy.chmod(0o700)
    before = policy.read_text(), policy.stat().st_mode

    with debian._no_services():
        assert debian._denied()

    assert (policy.read_text(), policy.stat().st_mode) == before
    assert not debian.SAVED.exists()


def test_a_rule_that_forbids_already_is_not_touched(policy):
    _rule(policy, 101)
    inode = policy.stat().st_ino

    with debian._no_services():
        assert policy.stat().st_ino == inode


@pytest.mark.parametrize("ending", [PlainError("apt"), signals.Interrupted(2)])
def test_the_rule_is_put_back_after_a_failure_and_after_ctrl_c(policy, ending):
    _rule(policy, 0)

    with pytest.raises(type(ending)), debian._no_services():
        raise ending

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_rule_left_by_a_killed_run_is_put_back_by_the_next(policy):
    _rule(policy, 0)
    debian._deny()

    with debian._no_services():
        pass

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


@pytest.fixture
def nothing(monkeypatch):
    """A machine with neither servers nor Docker nor root."""
    missing = ["DATABASE_URL", "AMQP_URL"]
    monkeypatch.setattr(programs, "missing", lambda: missing)
    monkeypatch.setattr(install.docker, "answers", lambda: False)
    monkeypatch.setattr(debian, "can_install", lambda: False)
    for name in missing:
        monkeypatch.delenv(name, raising=False)


def test_without_any_way_the_ways_are_named(nothing):
    with pytest.raises(PlainError, match=r"(?s)apt-get.*Docker.*DATABASE_URL"):
        install._find_servers()


def test_addresses_are_way_enough(nothing, monkeypatch):
    for name in ("DATABASE_URL", "AMQP_URL"):
        monkeypatch.setenv(name, "there")

    install._find_servers()


def test_only_what_is_missing_is_installed(nothing, monkeypatch):
    installed = []
    monkeypatch.setenv("DATABASE_URL", "there")
    monkeypatch.setattr(debian, "can_install", lambda: True)
    monkeypatch.setattr(debian, "install", lambda names, why: installed.extend(names))

    install._find_servers()

    assert installed == ["rabbitmq-server"]


def test_a_changed_requirement_is_installed_again(monkeypatch, tmp_path):
    done = []
    for name, value in {"ROOT": tmp_path, "STAMP": tmp_path / "stamp"}.items():
        monkeypatch.setattr(environment, name, value)
    monkeypatch.setattr(environment, "_make", lambda: None)
    monkeypatch.setattr(environment, "_pip", done.append)
    for text in ("one", "one", "two"):
        (tmp_path / "requirements.txt").write_text(text)
        environment.install(["requirements.txt"])

    assert done == [["requirements.txt"]] * 2
