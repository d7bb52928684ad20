"""Every command on the pages can be given as it stands there."""

import json
import os
import re
import shlex
import subprocess

import pytest
from celery.bin.celery import celery
from django.core.management import call_command, get_commands, load_command_class
from django.test import Client

from deploy.local.__main__ import _parsed
from inventory.services import receive_stock
from orders_project.celery import app
from orders_project.messaging.topology import QUEUES
from tests.docs.pages import PAGES, README, ROOT, commands
from tests.local import compose

SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "FLOWER_PASSWORD")
COMMANDS = sorted({command for command in commands() if command})
#: The last are made by tests/broker/test_partner.py.
OTHERS = ("curl ", "ruff ", "mypy ", "lint-imports", "rabbitmqctl ")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_taken_as_it_stands(command):
    known = [check for start, check in CHECKS.items() if command.startswith(start)]

    assert known or command.startswith(OTHERS), f"nothing here checks: {command}"
    for check in known:
        check(shlex.split(command.partition(" > ")[0]))


def manage(words):
    """Parse it as manage.py would; by its name alone a command is only spoken of."""
    name, rest = words[1], [word.replace("ORDER", "0" * 32) for word in words[2:]]
    parser = load_command_class(get_commands()[name], name).create_parser("", name)
    if rest:
        parser.parse_args(rest)


def dev(words):
    _parsed(words[1:] or ["up"])
    if "--" in words:
        check_inner(words[words.index("--") + 1 :])


def check_inner(words):
    checks = {"celery": worker, "python": lambda inner: manage(inner[1:])}
    checks[words[0]](words)


def demo(words):
    manage(["manage.py", "run_demo", "--url", "http://127.0.0.1:1", *words[1:]])


def files(words):
    """The files are there, and -k finds a test in each."""
    names = [one for one in words[1:] if one.startswith("tests/")]
    if "-k" in words:
        wanted = words[words.index("-k") + 1]
        assert re.search(rf"def test_\w*{wanted}", "".join(map(_text, names)))
    assert [one for one in names if not _exists(one)] == []


def _exists(name):
    # The example's own test, which test_worked_example.py writes and runs.
    return (ROOT / name).exists() or f"# {name}\n" in README.text


def _text(name):
    path = ROOT / name
    files = path.rglob("test_*.py") if path.is_dir() else [path]
    return "".join(file.read_text() for file in files)


def worker(words):
    """Celery's own parser takes it, and the queues are ours."""
    words = [word.replace("%h", "here") for word in words[1:]]
    assert words[:2] == ["-A", "orders_project"]
    parsed = celery.commands[words[2]].make_context(
        words[2], words[3:], obj=_Loaded(), resilient_parsing=False
    )
    assert set(parsed.params.get("queues", ())) <= {queue.name for queue in QUEUES}


class _Loaded:
    """What `celery -A` hands on to its commands."""

    app = app
    workdir = None
    no_color = True


def docker(words):
    services = compose.load(dict.fromkeys(SECRETS, "x"))["services"]
    assert words[1] == "compose"
    if "--scale" in words:
        assert words[words.index("--scale") + 1].partition("=")[0] in services
    if "--no-deps" in words:
        named = _after("--no-deps", words)
        assert named[0] == "$(docker" or {*named} <= {*services}
    for start in {"--rm", "exec"} & {*words}:
        service, *inner = [one for one in _after(start, words) if one != "-T"]
        assert service in services
        if "python" in inner:
            check_inner(inner)


def _after(word, words):
    return words[words.index(word) + 1 :]


def secrets(words):
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.partition("=")[0] for line in said.stdout.splitlines()] == [*SECRETS]


def script(words):
    assert os.access(ROOT / words[0], os.X_OK)
    subprocess.run(["bash", "-n", words[0]], cwd=ROOT, check=True)


def helpful(words):
    said = subprocess.run(
        [words[0], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(one in said.stdout for one in words[1:] if one.startswith("--"))


CHECKS = {
    "bin/": script,
    "bin/setup": helpful,
    "bin/demo": demo,
    "bin/dev": dev,
    "bin/test": files,
    "bin/manage": manage,
    "manage.py": manage,
    "python manage.py": lambda words: manage(words[1:]),
    "celery": worker,
    "docker": docker,
    "deploy/compose/make-env": secrets,
    "bin/demo ": helpful,
}


# ---- curl: the calls are made, in their order, as a guest would
@pytest.mark.django_db
def test_the_calls_of_the_readme_do_what_it_says(settings):
    settings.GUEST_CHECKOUT = True
    call_command("load_catalogue", verbosity=0)
    receive_stock({"item1": 10, "item2": 10, "1": 10})
    first, *rest = [c for block in README.blocks("sh") for c in _calls(block)]

    placed = _made(first, {})
    order = json.loads(placed.content)
    names = {"$ID": order["id"], "$TOKEN": order["order_token"]}
    answers = [placed, *(_made(call, names) for call in rest)]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 201, 201]
    assert placed["Location"] == f"/api/orders/{order['id']}/"
    assert [json.loads(a.content)["total_cents"] for a in answers[-2:]] == [4498, 1998]


def _calls(block):
    lines = block.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def _made(call, names):
    for name, value in names.items():
        call = call.replace(name, value)
    words = shlex.split(call)
    headers = dict(given.split(": ", 1) for given in _given(words, "-H"))
    data = _given(words, "-d")
    method = "POST" if data or "POST" in words else "GET"
    (url,) = [word for word in words if word.startswith("http://127.0.0.1:8000/")]
    kind = headers.pop("Content-Type", "application/json")
    return Client().generic(
        method,
        url.removeprefix("http://127.0.0.1:8000"),
        *data,
        content_type=kind,
        headers=headers,
    )


def _given(words, option):
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def test_the_pages_have_commands():
    assert len(PAGES) > 8
    assert len(COMMANDS) > 25
