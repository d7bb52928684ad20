"""`manage.py empty_queues` against the live broker."""

import pytest
from django.core.management import CommandError, call_command


def test_every_queue_is_empty_afterwards_rungs_and_dead_letters_too(broker, capsys):
    for queue in ("shipping.queue", "retry.10m", "dead.letter.queue"):
        broker.send("", queue, "{}", "{}")

    call_command("empty_queues", no_input=True)

    told = capsys.readouterr().out
    assert "2 messages of retry.10m" in told
    assert "6 messages were thrown away." in told
    assert broker.is_empty("shipping.queue")
    assert broker.is_empty("dead.letter.queue")


def test_nothing_is_thrown_away_without_a_yes(broker, monkeypatch):
    broker.send("", "shipping.queue", "{}")
    monkeypatch.setattr("builtins.input", lambda _warning: "")

    with pytest.raises(CommandError, match="Nothing was thrown away"):
        call_command("empty_queues")

    assert broker.take("shipping.queue")
