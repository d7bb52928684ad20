"""F2, F13, F14: processes that die, that are restarted, and that are too many."""

import signal
import time
from pathlib import Path

from tests.awaiting import eventually
from tests.faults.rig import AHEAD, BEHIND, WORKERS, kill
from tests.faults.run import Run

#: Seconds after TERM in which a process should have stopped, and until it is killed.
STOP, GRACE = 10, 30
RELAYS = ("relay", "relay-2")


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
    """Restart one process after the other, by TERM, while customers order.

    Each has 10 s to finish, or to hand back, what it holds.
    """
    start = run.mark("rolling restart")
    # The web server's own way: its socket stays, its processes follow one another.
    run.rig.tell("web", signal.SIGHUP)
    took = {name: restart(run, name) for name in ("relay", "beat", *WORKERS)}
    run.recovers(within=10)
    slowest = max(took, key=took.__getitem__)
    run.figures.append(f"slowest to stop: {slowest}, {took[slowest]:.1f} s")
    run.late += [
        f"{one} took {s:.1f} s to stop." for one, s in took.items() if s > STOP
    ]
    failed = [
        what for what in run.answers(start, run.mark("all restarted")) if what != 201
    ]
    run.complain(*(f"A customer was answered {what}." for what in failed))


def restart(run: Run, name: str) -> float:
    """Return how many seconds it took to stop, once it works again."""
    before, asked = run.rig.pid(name), run.mark(f"TERM to {name}")
    run.rig.tell(name, signal.SIGTERM)
    _await_end(before)
    stopped = time.time() - asked
    eventually(lambda: run.rig.pid(name) not in (0, before), within=40, every=0.1)
    run.rig.wait_for(name)
    return stopped


def _await_end(pid: int) -> None:
    """Return when it has ended; one that does not is ended as a cluster would."""
    try:
        eventually(lambda: not Path(f"/proc/{pid}").exists(), within=GRACE)
    except AssertionError:
        kill(pid)


def everything_is_there_twice(run: Run) -> None:
    """Run two relays and two schedulers, and kill a relay whenever both are at work.

    One worker's clock is an hour ahead, and that of another one an hour behind.
    """
    late, early = run.rng.sample(WORKERS, 2)
    spare = (RELAYS[1], "beat-2", early + AHEAD, late + BEHIND)
    run.rig.halt(early, late)
    run.rig.run(*spare)
    run.rig.wait_for(*spare)
    run.mark(f"two relays, two schedulers, {early + AHEAD}, {late + BEHIND}")
    kill_a_relay(run)
    while run.ordering:
        kill_a_relay(run)
    run.await_recovery()
    run.rig.halt(*spare)
    run.rig.run(early, late)


def kill_a_relay(run: Run) -> None:
    run.pause(4)
    eventually(lambda: all(map(run.rig.is_connected, RELAYS)), within=40)
    kill(run.rig.pid(run.rng.choice(RELAYS)))
    run.mark("kill -9 of one relay")
    run.recovers(within=10)
