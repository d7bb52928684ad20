"""`manage.py topology` against the live broker."""

import pytest
from django.core.management import CommandError, call_command

from orders_project.messaging.broker import declare


@pytest.fixture(autouse=True)
def mended(broker):
    yield
    broker.connection.revive(broker.connection.default_channel)
    declare(broker.connection)


def test_a_broker_as_declared_passes(broker, capsys):
    call_command("topology", "--check")

    assert "are as declared" in capsys.readouterr().out


def test_what_is_missing_is_named_and_apply_mends_it(broker):
    broker.channel.queue_unbind("inventory.queue", "order.exchange", "order.created")
    broker.channel.queue_delete("sms.queue")

    with pytest.raises(CommandError) as problem:
        call_command("topology", "--check")
    assert "order.exchange -> queue inventory.queue by 'order.created'" in str(
        problem.value
    )
    assert "queue sms.queue is missing: manage.py topology --apply" in str(
        problem.value
    )

    call_command("topology", "--apply")
    call_command("topology", "--check")


def test_a_binding_of_older_code_is_found(broker):
    broker.channel.queue_bind("order.queue", "order.exchange", "order.gone")
    try:
        with pytest.raises(CommandError, match=r"order\.queue by 'order\.gone'"):
            call_command("topology", "--check")
    finally:
        broker.channel.queue_unbind("order.queue", "order.exchange", "order.gone")


@pytest.mark.parametrize("what", ["--check", "--apply"])
def test_a_queue_with_other_arguments_is_explained(broker, what):
    broker.channel.queue_delete("unrouted.queue")
    broker.channel.queue_declare(
        "unrouted.queue", durable=True, auto_delete=False, arguments={"x-max-length": 5}
    )
    try:
        with pytest.raises(CommandError, match=r"unrouted.queue has arguments .*5"):
            call_command("topology", what)
    finally:
        broker.channel.queue_delete("unrouted.queue")
