"""F3, F10, F11: RabbitMQ stops, refuses to take anything, and loses everything."""

import signal
import time

from deploy.local import rabbitmq
from tests.awaiting import eventually
from tests.faults.run import Run


def the_broker_restarts(run: Run) -> None:
    """Stop RabbitMQ in its own way, then kill it; the API goes on accepting."""
    for stop, words in ((_stop, "RabbitMQ stopped"), (_kill, "kill -9 of RabbitMQ")):
        run.pause(3)
        away = run.mark(words)
        stop(run)
        run.pause(run.rng.uniform(0, 3))
        _comes_back(run, away)


def _stop(run: Run) -> None:
    before = run.rig.pid("rabbitmq")
    run.rig.tell("rabbitmq", signal.SIGTERM)
    eventually(lambda: run.rig.pid("rabbitmq") != before, within=60)


def _kill(run: Run) -> None:
    run.rig.halt("rabbitmq")


def _comes_back(run: Run, away: float) -> None:
    run.rig.run("rabbitmq")
    run.rig.wait_for("rabbitmq")
    run.mark("RabbitMQ is back")
    run.recovers(within=15)
    _accepted_all(run, away, time.time())


def _accepted_all(run: Run, since: float, until: float) -> None:
    answers = list(run.answers(since, until))
    failed = [what for what in answers if what != 201]
    run.complain(*(f"Without a broker a customer was answered {w}." for w in failed))
    if not answers:
        run.complain("No customer ordered while the broker was away.")


def the_broker_takes_nothing(run: Run) -> None:
    """Raise RabbitMQ's memory alarm: it blocks who publishes. The API goes on."""
    run.pause(3)
    away = run.mark("memory alarm")
    rabbitmq.control(run.rig.system, "set_vm_memory_high_watermark", "0")
    run.pause(60 if run.plan.nightly else 20)
    _accepted_all(run, away, time.time())
    rabbitmq.control(run.rig.system, "set_vm_memory_high_watermark", "absolute", "2GB")
    run.mark("alarm over")
    run.recovers(within=15)


def the_broker_loses_everything(run: Run) -> None:
    """Wipe RabbitMQ's data in the middle: its queues, messages and users are gone."""
    while run.ordering:
        run.pause(5)
        away = run.mark("RabbitMQ's data wiped")
        run.rig.halt("rabbitmq")
        rabbitmq.remove(run.rig.system)
        _comes_back(run, away)
