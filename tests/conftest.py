"""Fixtures for every test: the fakes of `tests/bus.py`, and no broker by accident."""

from pathlib import Path

import pytest

from orders_project.messaging import retry, steps
from tests.bus import Rungs

REAL = {"broker", "story", "faults"}


def pytest_collection_modifyitems(items):
    for item in items:
        for name in REAL & set(Path(item.fspath).parts):
            item.add_marker(name)


@pytest.fixture(autouse=True)
def rungs(request, monkeypatch):
    """Keep what would be published to a retry rung or parked, but for real brokers."""
    kept = Rungs()
    if not REAL & {mark.name for mark in request.node.iter_markers()}:
        monkeypatch.setattr(retry, "_publish", lambda *sent: kept.append(sent))
        monkeypatch.setattr(steps, "_send_again", lambda *sent: kept.append(sent))
    return kept
