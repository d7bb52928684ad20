"""bin/dev and bin/demo say what is wrong, before anything is started."""

import subprocess

import pytest
from django.core.management import CommandError, call_command, load_command_class

from deploy.local import asking, commands, status, supervise
from deploy.local.__main__ import main
from deploy.local.errors import PlainError
from deploy.local.places import ROOT
from deploy.local.program import Program
from deploy.local.system import System

PIDS = {"postgres": 1, "rabbitmq": 2}


@pytest.fixture
def up(monkeypatch):
    """A system that seems to run, at addresses of its own."""
    system = System("dev", ports=dict.fromkeys(("web", "flower", "management"), 1))
    system.ports |= {"postgres": 2, "amqp": 3}
    monkeypatch.setattr(System, "load", lambda _name: system)
    monkeypatch.setattr(supervise, "is_up", lambda _system: True)
    monkeypatch.setattr("deploy.local.signals.hear", lambda: None)
    return system


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which command? bin/dev run -- python manage.py check"),
        (["--"], "which command? bin/dev run -- python manage.py check"),
        (
            ["--", "nope"],
            "nope cannot be run: No such file or directory. Is it spelled",
        ),
        (["--", str(ROOT)], "cannot be run: Permission denied"),
    ],
)
def test_a_command_that_cannot_be_run_is_told_in_words(up, words, said, capsys):
    assert main(["run", *words]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["env"], ["run", "--", "true"]])
def test_what_never_ran_has_no_settings_to_tell(words, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("deploy.local.system.RUN", tmp_path)
    monkeypatch.setattr("deploy.local.signals.hear", lambda: None)

    assert main(words) == 1
    assert "dev is not running: start it with bin/dev start" in capsys.readouterr().err


def test_a_system_that_another_version_started_has_to_be_stopped_first(up, monkeypatch):
    monkeypatch.setattr(supervise, "processes", lambda _system: {"web": {}})

    with pytest.raises(
        PlainError, match=r"no worker-new: .* bin/dev stop, then bin/dev"
    ):
        supervise.start(up, [Program("worker-new", "true")])


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, ["RabbitMQ", "Database", "Processes"]),
        (
            {"web": 3, "flower": 4},
            ["API", "Swagger", "Admin", "Flower", "RabbitMQ", "Database", "Processes"],
        ),
    ],
)
def test_only_addresses_where_somebody_answers_are_shown(up, more, shown, monkeypatch):
    monkeypatch.setattr(status, "pids", lambda _system: PIDS | more)

    assert [line.split()[0] for line in status.text(up).splitlines()] == shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["--orders", "abc"], "argument --orders: 'abc' is no whole number from 1"),
        (["--rate", "nan"], "argument --rate: 'nan' is no number from 0.01 to 10000"),
    ],
)
def test_a_demo_that_makes_no_sense_is_refused_before_it_starts(
    words, said, capsys, monkeypatch
):
    monkeypatch.setattr(commands, "short_lived", lambda _kind: pytest.fail("started"))

    with pytest.raises(SystemExit):
        main(["demo", "--", *words])
    told = capsys.readouterr().err
    assert said in told
    assert told.startswith(f"usage: {asking.USAGE}\n")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--orders", value) for value in ("abc", "0", "-1", "1.5", "1000001")),
        *(("--rate", value) for value in ("fast", "0", "-1", "nan", "inf", "10001")),
    ],
)
def test_what_is_refused_the_command_behind_it_refuses_in_the_same_words(
    option, value, capsys
):
    with pytest.raises(SystemExit):
        asking.check([option, value])
    with pytest.raises(CommandError) as refused:
        call_command("run_demo", "--url", "http://127.0.0.1:9", option, value)

    assert str(refused.value).removeprefix("Error: ") in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--orders", "1000000"], ["--rate", "10000"]])
def test_what_is_not_refused_the_command_behind_it_takes(words):
    asking.check(words)
    parser = load_command_class("orders", "run_demo").create_parser("", "run_demo")
    parser.parse_args(["--url", "http://127.0.0.1:9", *words])


def test_a_demo_that_makes_sense_is_not_refused():
    asking.check(["--orders", "20", "--rate", "0.5", "--json", "figures.json"])


def test_the_help_shows_the_same_usage():
    words = [ROOT / "bin" / "demo", "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"usage: {asking.USAGE}\n")
