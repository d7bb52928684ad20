"""Every fault that bin/faults knows, with its sizes. One line for each."""

from collections.abc import Callable
from typing import NamedTuple

from tests.faults import (
    broker,
    crashing,
    database,
    network,
    poison,
    post,
    processes,
    verdict,
)
from tests.faults.rig import Rig
from tests.faults.run import Plan, Run
from tests.faults.verdict import Verdict

#: Orders a second, in `bin/test` and alone on two cores.
RATE, NIGHTLY_RATE = 15.0, 40.0


class Fault(NamedTuple):
    """What is done while customers order; so many orders, and so many at night.

    With a rate of its own where a full machine would hide what is to be seen.
    """

    title: str
    happens: Callable[[Run], None]
    orders: int
    nightly: int
    rate: float | None = None


FAULTS: dict[str, Fault] = {
    # To start a process takes a core 2 s: at more than RATE the other does not suffice.
    "F1": Fault(
        "every moment kills", crashing.processes_die_at_every_moment, 100, 10_000, RATE
    ),
    "F2": Fault(
        "a worker is killed every 2 s", processes.workers_are_killed, 500, 10_000, RATE
    ),
    "F3": Fault(
        "the broker stops, and is killed", broker.the_broker_restarts, 500, 5_000
    ),
    "F4": Fault("the database restarts", database.the_database_restarts, 300, 5_000),
    "F5": Fault("connections go silent", network.connections_go_silent, 200, 2_000),
    "F6": Fault("connections break", network.connections_break, 300, 5_000),
    "F7": Fault(
        "every message comes three times",
        post.everything_comes_three_times,
        50,
        10_000,
        RATE,
    ),
    "F9": Fault("poison", poison.some_messages_are_poison, 200, 2_000, 5.0),
    "F10": Fault(
        "the broker takes nothing", broker.the_broker_takes_nothing, 100, 1_000
    ),
    "F11": Fault(
        "the broker loses everything", broker.the_broker_loses_everything, 200, 2_000
    ),
    "F13": Fault(
        "everything is restarted", processes.everything_is_restarted, 500, 5_000
    ),
    "F14": Fault(
        "two relays, two schedulers, wrong clocks",
        processes.everything_is_there_twice,
        200,
        2_000,
        RATE,
    ),
}


def plan(
    name: str, *, seed: int, orders: int | None = None, nightly: bool = False
) -> Plan:
    fault = FAULTS[name]
    usual = fault.nightly if nightly else fault.orders
    rate = fault.rate or (NIGHTLY_RATE if nightly else RATE)
    return Plan(name, seed, orders or usual, rate, nightly)


def play(
    rig: Rig, what: Plan, progress: Callable[[str], None] = lambda _words: None
) -> Verdict:
    """Have a fault happen to a running system, and judge what is left."""
    fault, run = FAULTS[what.fault], Run(rig, what)
    run.play(fault.happens, progress)
    return verdict.of(run, fault.title)
