"""`manage.py empty_queues` against the live broker."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orders_project.messaging.broker import declare, has_forgotten
from orders_project.messaging.reminding import declare_or_remind


def test_every_queue_is_empty_afterwards_rungs_and_dead_letters_too(broker, capsys):
    for queue in ("shipping.queue", "retry.10m", "dead.letter.queue"):
        broker.send("", queue, "{}", "{}")

    call_command("empty_queues", no_input=True)

    declare(broker.connection)
    told = capsys.readouterr().out
    assert "retry.10m: 2" in told
    assert "Messages thrown away: 6." in told
    assert broker.is_empty("shipping.queue")


def test_the_relay_knows_afterwards_that_much_is_lost(broker):
    broker.send("", "dead.letter.queue", "{}")
    call_command("empty_queues", no_input=True)
    assert has_forgotten(broker.connection)

    with broker.connection.clone() as another:
        declare_or_remind(another)
    assert broker.is_empty("dead.letter.queue")


def test_nothing_is_thrown_away_while_a_worker_hears(broker):
    broker.send("", "shipping.queue", "{}")
    for queue in ("audit.queue", "sms.queue"):
        broker.channel.basic_consume(queue)

    with pytest.raises(CommandError, match=r"hears audit\.queue, sms\.queue\. Stop"):
        call_command("empty_queues", no_input=True)

    assert broker.take("shipping.queue")
    assert not has_forgotten(broker.connection)


def test_a_refusal_declares_nothing_or_the_relay_would_not_know_of_the_loss(broker):
    call_command("empty_queues", no_input=True)
    broker.channel.basic_consume("audit.queue")

    with pytest.raises(CommandError, match="somebody still hears"):
        call_command("empty_queues", no_input=True)

    assert has_forgotten(broker.connection)
    declare(broker.connection)


def test_nobody_to_ask_is_a_no(broker, monkeypatch):
    broker.send("", "shipping.queue", "{}")
    monkeypatch.setattr("sys.stdin", StringIO())

    with pytest.raises(CommandError, match="Nothing was thrown away"):
        call_command("empty_queues")

    assert broker.take("shipping.queue")


def test_nothing_is_thrown_away_without_a_yes(broker, monkeypatch):
    broker.send("", "shipping.queue", "{}")
    monkeypatch.setattr("builtins.input", lambda _warning: "")

    with pytest.raises(CommandError, match="Nothing was thrown away"):
        call_command("empty_queues")

    assert broker.take("shipping.queue")
