"""F2, F13, F14: processes that die, that are restarted, and that are too many."""

import signal

from tests.awaiting import eventually
from tests.faults.rig import WORKERS, kill
from tests.faults.run import Run


def workers_are_killed(run: Run) -> None:
    """Kill -9 a random worker, or one of its pool processes, every 2 s."""
    while run.ordering:
        name = run.rng.choice(WORKERS)
        parent, children = run.rig.pid(name), run.rig.children(name)
        whole = run.rng.random() < 0.5
        kill(parent if whole else run.rng.choice(children or [parent]))
        run.mark(f"kill -9 of {name}{'' if whole else ', a pool process'}")
        run.recovers(within=10)
        run.pause(2)


def everything_is_restarted(run: Run) -> None:
    """Restart one process after the other, by TERM, while customers order."""
    start = run.mark("rolling restart")
    # The web server's own way: its socket stays, its processes follow one another.
    run.rig.tell("web", signal.SIGHUP)
    for name in ("relay", "beat", *WORKERS):
        restart(run, name)
    run.recovers(within=10)
    failed = [
        what for what in run.answers(start, run.mark("all restarted")) if what != 201
    ]
    run.complain(*(f"A customer was answered {what}." for what in failed))


def restart(run: Run, name: str) -> None:
    before = run.rig.pid(name)
    run.mark(f"TERM to {name}")
    run.rig.tell(name, signal.SIGTERM)
    eventually(lambda: run.rig.pid(name) not in (0, before), within=40, every=0.1)
    run.rig.wait_for(name)


def everything_is_there_twice(run: Run) -> None:
    """Run two relays and two schedulers, and kill a relay now and then."""
    spare = ("relay-2", "beat-2")
    run.rig.run(*spare)
    run.mark("two relays, two schedulers")
    while run.ordering:
        run.pause(4)
        kill(run.rig.pid(run.rng.choice(("relay", "relay-2"))))
        run.mark("kill -9 of one relay")
        run.recovers(within=10)
    for name in spare:
        run.rig.halt(name)
