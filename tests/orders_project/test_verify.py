"""`manage.py verify` with so many orders that a look at all of them takes minutes."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orders_project import promises
from orders_project.management.commands import verify

pytestmark = pytest.mark.django_db

MOVING = "When idle the outbox is empty, but 1 parcels wait"


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture
def system(monkeypatch):
    """What is told of a system, in turns, and when it was looked at as a whole."""
    told = []
    looked = []

    def checks(*, resting):
        looked.append(resting)
        left = len(told)
        return [("Nothing moves", (MOVING for _ in range(left)))]

    monkeypatch.setattr(verify, "PAUSE", 0)
    monkeypatch.setattr(promises, "checks", checks)
    monkeypatch.setattr(promises, "unrest", lambda: told.pop() if told else ())
    return told, looked


def test_the_orders_are_looked_at_once_when_nothing_moves_any_more(system):
    told, looked = system
    told += [[MOVING]] * 3

    call_command("verify", wait=60)

    assert looked == [True]


def test_what_moves_for_longer_than_the_wait_is_named(system):
    told, looked = system
    told += [[MOVING]]

    with pytest.raises(CommandError, match="1 parcels wait"):
        call_command("verify", wait=0)
    assert looked == [True]


def test_with_moving_nobody_waits_for_rest(system):
    told, looked = system
    told += [[MOVING]]

    with pytest.raises(CommandError):
        call_command("verify", moving=True, wait=60)
    assert looked == [False]
    assert told == [[MOVING]]


@pytest.mark.parametrize("out", [StringIO, Terminal])
def test_only_a_terminal_is_told_what_is_being_checked(out):
    shown = out()
    call_command("verify", moving=True, stdout=shown)
    told = promises.ALWAYS[-1].sentence in shown.getvalue()
    assert told == (out is Terminal)
