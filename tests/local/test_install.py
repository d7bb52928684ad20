"""Installing leaves the machine as it was, apart from what was installed."""

import pytest

from deploy.local import debian, environment, install, programs, signals
from deploy.local.errors import PlainError


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
