"""A handler of the desk's queue, which remembers, and fails for as long as told."""

import pytest

from tests.messaging.desk import Handler, listen


@pytest.fixture
def handler(monkeypatch):
    handler = Handler()
    listen(monkeypatch, handler)
    return handler
