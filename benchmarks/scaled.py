"""Measured for docs/scaling.md: on one core and on two, and more of one process."""

import json
import os
from collections.abc import Iterator, Sequence

from benchmarks import copies, trial
from benchmarks.contestants import WAYBILL
from benchmarks.copies import MANY
from benchmarks.planned import SCALED
from benchmarks.room import room
from deploy.local import lifecycle
from deploy.local.errors import PlainError
from deploy.local.say import say
from deploy.local.session import short_lived

CORES = "cores"
#: Carried by a run on so many cores.
ORDERS = 6_000


def measure(names: Sequence[str]) -> None:
    """Measure these, and put the figures beside those of earlier runs."""
    if strange := set(names) - {CORES, *MANY}:
        raise PlainError(
            f"no measurement {', '.join(strange)}; there are cores, {', '.join(MANY)}"
        )
    known = json.loads(SCALED.read_text()) if SCALED.exists() else []
    kept = [one for one in known if one["what"] not in names]
    several = [name for name in names if name in MANY]
    new = [
        *(_cores() if CORES in names else ()),
        *(_copies(several) if several else ()),
    ]
    SCALED.write_text(json.dumps([*kept, *new], indent=1) + "\n")


def _cores() -> Iterator[dict]:
    mine = os.sched_getaffinity(0)
    for count in (1, 2):
        # Whatever is started from here on inherits it, as under taskset.
        os.sched_setaffinity(0, sorted(mine)[:count])
        with short_lived("bench") as system:
            lifecycle.start(system, only_servers=True)
            run = trial.run(system, WAYBILL, ORDERS)
        os.sched_setaffinity(0, mine)
        cpu = 1000 * sum(run.cpu.values()) / run.orders
        yield _said(CORES, count, run.rate) | {"cpu": round(cpu, 3)}


def _copies(names: Sequence[str]) -> Iterator[dict]:
    with short_lived("bench") as system:
        lifecycle.start(system, only_servers=True)
        with room(system, "scaled") as own:
            stage = trial.Stage(system, WAYBILL, own)
            copies.place(stage)
            for name in names:
                for count in copies.COUNTS:
                    rate = copies.rate(stage, MANY[name], count)
                    yield _said(name, count, rate)


def _said(what: str, count: int, rate: float) -> dict:
    say(f"{what}, {count} of it: {rate:,.0f}/s")
    return {"what": what, "count": count, "rate": round(rate, 1)}
