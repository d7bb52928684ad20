"""F3, F10, F11: RabbitMQ stops, refuses to take anything, and loses everything."""

import signal
import time

from deploy.local import rabbitmq
from tests.awaiting import eventually
from tests.faults.run import Run


def the_broker_restarts(run: Run) -> None:
    """Stop RabbitMQ in its own way, then kill it; the API goes on accepting."""
    for stop, words in STOPS * (5 if run.plan.nightly else 1):
        run.pause(3)
        away = run.mark(words)
        stop(run)
        run.pause(run.rng.uniform(0, 3))
        _start(run, away)
        run.recovers(within=15)
        run.await_recovery()


def _stop(run: Run) -> None:
    before = run.rig.pid("rabbitmq")
    run.rig.tell("rabbitmq", signal.SIGTERM)
    eventually(lambda: run.rig.pid("rabbitmq") != before, within=60)


def _kill(run: Run) -> None:
    run.rig.halt("rabbitmq")


STOPS = ((_stop, "RabbitMQ stopped"), (_kill, "kill -9 of RabbitMQ"))


def _start(run: Run, away: float) -> None:
    run.rig.run("rabbitmq")
    run.rig.wait_for("rabbitmq")
    _accepted_all(run, away, run.mark("RabbitMQ is back"))


def _accepted_all(run: Run, since: float, until: float) -> None:
    answers = run.answers(since, until)
    failed = [what for what in answers if what != 201]
    run.complain(*(f"Without a broker a customer was answered {w}." for w in failed))
    if not answers:
        run.complain("No customer ordered while the broker was away.")


def the_broker_takes_nothing(run: Run) -> None:
    """Raise RabbitMQ's memory alarm: it blocks who publishes. The API goes on."""
    run.pause(30 if run.plan.nightly else 8)
    rabbitmq.control(run.rig.system, "set_vm_memory_high_watermark", "0")
    away = run.mark("memory alarm")
    run.pause(60 if run.plan.nightly else 15)
    over = time.time()
    rabbitmq.control(run.rig.system, "set_vm_memory_high_watermark", "absolute", "2GB")
    run.mark("alarm over")
    run.recovers(within=15)
    _accepted_all(run, away, over)
    _as_fast_as_before(run, away, over)


def _as_fast_as_before(run: Run, away: float, over: float) -> None:
    before, during = run.p99(run.started, away), run.p99(away, over)
    words = f"web p99 {before * 1000:.0f} ms before, {during * 1000:.0f} ms during"
    run.figures.append(words)
    # Of a hundred requests it is the slowest, which is chance.
    if run.plan.nightly and during > before * 1.2:
        run.late.append(f"The API was slowed down: {words}.")


def the_broker_loses_everything(run: Run) -> None:
    """Wipe RabbitMQ's data in the middle: its queues, messages and users are gone."""
    while run.ordering:
        run.pause(5)
        away = run.mark("RabbitMQ's data wiped")
        run.rig.halt("rabbitmq")
        rabbitmq.remove(run.rig.system)
        _start(run, away)
        run.recovers(within=15)
        run.await_recovery()
