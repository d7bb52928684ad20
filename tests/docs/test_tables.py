"""The tables of the documents say what the code says."""

import ast
import os
import re
import runpy
from collections import defaultdict

import pytest
from django.apps import apps

from orders_project import environment, promises
from orders_project.messaging import topology
from orders_project.messaging.events import EVENTS, Event
from orders_project.messaging.hearing import HEARS
from tests.docs import pages
from tests.docs.pages import ARCHITECTURE, README, ROOT, codes

SETTINGS = ROOT / "orders_project/settings.py"
OURS = ("orders_project", "orders", "inventory", "payments", "shipping")
OURS += ("notifications", "audit", "messaging")
COMMON = set(Event.__struct_fields__)


# ---- settings
def test_every_variable_is_in_the_readme_with_its_default(monkeypatch):
    written = {
        codes(name)[0]: "".join(codes(default))
        for name, default, _ in README.table("Settings")
    }

    assert written == _read(monkeypatch)


def _read(monkeypatch):
    """Return every variable that settings.py asks for, with its default."""
    found = {}

    def note(name, default=""):
        found[name] = default.removeprefix(f"{ROOT}/")
        return os.environ.get(name, default)

    monkeypatch.setattr(environment, "text", note)
    switches = []
    switch = environment.switch
    monkeypatch.setattr(
        environment, "switch", lambda name: switches.append(name) or switch(name)
    )
    runpy.run_path(str(SETTINGS))
    return found | dict.fromkeys(switches, "false")


def test_every_celery_setting_has_its_reason():
    written = [codes(name)[0] for name, _ in ARCHITECTURE.table("Celery settings")]
    stored = {
        node.id
        for node in ast.walk(ast.parse(SETTINGS.read_text()))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }

    assert sorted(written) == sorted(n for n in stored if n.startswith("CELERY_"))


# ---- topology
def test_the_exchanges_are_those_of_the_topology():
    written = [(codes(row[0])[0], row[1]) for row in ARCHITECTURE.table("Exchanges")]

    assert sorted(written) == sorted((one.name, one.type) for one in topology.EXCHANGES)


def test_the_roads_between_exchanges_are_drawn():
    second = ARCHITECTURE.tables("Exchanges")[1]

    assert [tuple(codes(" ".join(row))) for row in second] == [
        (road.source.name, road.routing_key, road.destination.name)
        for road in topology.ROADS
    ]


def test_the_queues_are_bound_as_the_page_says():
    written = {
        codes(queue)[0]: {(codes(exchange)[0], key) for key in codes(keys)}
        for queue, exchange, keys, _ in ARCHITECTURE.table("Queues")
    }

    assert written == {
        queue.name: {(exchange.name, key) for exchange, key in topology.keys_of(queue)}
        for queue in topology.QUEUES
    }


def test_the_aliases_are_those_of_the_topology():
    table = pages.EVENTS.table("Aliases")
    written = {codes(event)[0]: tuple(codes(aliases)) for event, aliases in table}

    assert written == dict(topology.ALIASES)


# ---- events
def test_every_event_is_on_its_page_with_its_fields():
    table = pages.EVENTS.table("Types")
    written = {codes(event)[0]: codes(fields) for event, _, fields, *_ in table}

    assert written == {
        kind: [f for f in event.__struct_fields__ if f not in COMMON]
        for kind, event in EVENTS.items()
    }


def test_who_says_an_event_and_who_hears_it_is_on_its_page():
    table = pages.EVENTS.table("Types")
    written = {codes(row[0])[0]: (row[3], set(codes(row[4]))) for row in table}
    heard = defaultdict(set)
    for queue, kind in HEARS:
        heard[kind].add(queue)

    assert written == {
        kind: (event.app(), heard[kind]) for kind, event in EVENTS.items()
    }


# ---- data, promises, folders
def test_every_table_of_the_database_has_its_line():
    written = {(codes(row[0])[0], row[1]) for row in ARCHITECTURE.table("Data")}

    assert written == {
        (model.__name__, model._meta.app_label)
        for model in apps.get_models()
        if model._meta.app_label in OURS
    }


def test_the_promises_are_those_that_verify_checks():
    written = ARCHITECTURE.table("Promises")

    assert written == [
        *([one.sentence, "always"] for one in promises.ALWAYS),
        *([one.sentence, "at rest"] for one in promises.RESTING),
    ]


def test_every_constant_that_contributing_names_is_in_the_code():
    named = {one for one in codes(pages.CONTRIBUTING.text) if one.isupper()}
    files = (one for one in ROOT.rglob("*.py") if ".venv" not in one.parts)
    there = set(re.findall(r"[A-Z_]+", "\n".join(one.read_text() for one in files)))

    assert named - there == set()


def test_the_folder_map_is_whole():
    written = {codes(row[0])[0] for row in ARCHITECTURE.table("Folders")}
    there = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and path.name[0] not in "._" and any(path.rglob("*.*"))
    }

    assert {name.split("/")[0] for name in written} >= there - {"staticfiles"}
    assert [name for name in written if not (ROOT / name).is_dir()] == []


@pytest.mark.parametrize("word", ["topic", "direct", "fanout", "headers", "alternate"])
def test_each_kind_of_exchange_is_named_with_where_it_works(word):
    table = README.table("RabbitMQ concepts, each at real work")

    assert [row for row in table if row[0].startswith(word)]
