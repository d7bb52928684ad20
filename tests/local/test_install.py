"""Installing leaves the machine as it was, apart from what was installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import debian, environment, install, programs, signals
from deploy.local.errors import PlainError

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS_OWN = "/usr/bin/python3"


@pytest.fixture
def choice(tmp_path):
    """bin/setup of a new checkout: it tells which Python would make its .venv."""
    for name in ("bin", "deploy/local"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "bin" / "setup", tmp_path / "bin")
    asked = tmp_path / "deploy" / "local" / "install.py"
    asked.write_text("import sys\nprint(sys.executable)\n")
    # Else Python goes on looking for a package, and finds ours.
    (tmp_path / "deploy" / "__init__.py").touch()

    def run():
        words = [tmp_path / "bin" / "setup"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def _makes_environments(python):
    words = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    return not subprocess.run([python, "-c", words], check=False).returncode


@pytest.mark.skipif(
    not _makes_environments(SYSTEMS_OWN), reason="an older Python is the system's"
)
def test_the_systems_python_comes_before_another_of_the_path(
    choice, tmp_path, monkeypatch
):
    another = tmp_path / "python3"
    another.write_text("#!/bin/sh\necho another\n")
    another.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert choice() == SYSTEMS_OWN


def test_the_environments_own_python_comes_before_all_others(choice, tmp_path):
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)

    assert choice() == str(own)


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
