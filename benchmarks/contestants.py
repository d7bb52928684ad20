"""Who is compared. To add one: a folder, and a row here.

A folder with a requirements.txt gets a virtual environment of its own, one with a
package-lock.json its own node_modules, any other Waybill's environment. Its programs
find the servers in DATABASE_URL and AMQP_URL, and the orders in ORDERS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.places import ROOT

BENCHMARKS = ROOT / "benchmarks"


@dataclass(frozen=True)
class Contestant:
    """`orders` is so many that a run takes about ten seconds on two cores.

    `place` reads lines "FIRST LAST" and places these orders of the file ORDERS;
    `prepare` is run to its end before anything else.
    """

    name: str
    title: str
    orders: int
    place: str
    processes: Mapping[str, str]
    prepare: str = ""
    home: Path | None = None

    @property
    def folder(self) -> Path:
        return BENCHMARKS / self.name

    @property
    def has_own_tables(self) -> bool:
        return (self.folder / "check.sql").exists()

    @property
    def check(self) -> str:
        """Statements that count what a run must have done."""
        folder = self.folder if self.has_own_tables else BENCHMARKS
        return (folder / "check.sql").read_text()


OUTSIDE = (
    "env PAYMENT_GATEWAY=benchmarks.waybill.outside.Gateway"
    " CARRIER=benchmarks.waybill.outside.Carrier"
)
WAYBILL = Contestant(
    name="waybill",
    title="Waybill",
    orders=10_000,
    prepare="python benchmarks/waybill/prepare.py",
    place="python benchmarks/waybill/place.py",
    # Nobody else sends the messages that they note, so here they wait unsent, too.
    processes={
        one.name: f"{OUTSIDE} {one.command.replace(',notifications.tasks', '')}"
        for one in [processes.RELAY, *processes.local_workers()]
    },
    home=ROOT,
)
FLOOR = Contestant(
    name="floor",
    title="The floor: bare scripts, arrays",
    orders=20_000,
    place="python place.py",
    processes={
        "worker-flow": "python consume.py inventory payment order shipping",
        "worker-record": "python consume.py audit email sms",
    },
)
SHARED = "env PYTHONPATH=../floor"
OUTBOX = Contestant(
    name="outbox",
    title="The floor, with outbox and inbox",
    orders=20_000,
    prepare=f"{SHARED} python prepare.py",
    place=f"{SHARED} python place.py",
    processes={
        "relay": f"{SHARED} python relay.py",
        "worker-flow": f"{SHARED} python consume.py inventory payment order shipping",
        "worker-record": f"{SHARED} python consume.py audit email sms",
    },
)
CELERY_WORKER = (
    "celery -A shop worker -P threads -c 8 -O fair --without-gossip --without-mingle"
)
CONTESTANTS = {
    one.name: one
    for one in [
        WAYBILL,
        Contestant(
            name="celery",
            title="Celery, a message per step, tuned",
            orders=300,
            place="python place.py",
            processes={
                "worker-1": f"{CELERY_WORKER} -n one@%h",
                "worker-2": f"{CELERY_WORKER} -n two@%h",
            },
        ),
        Contestant(
            name="faststream",
            title="FastStream, a transaction per message",
            orders=600,
            place="python place.py",
            processes={
                "worker-1": "faststream run app:app --log-level warning",
                "worker-2": "faststream run app:app --log-level warning",
            },
        ),
        Contestant(
            name="dbos",
            title="DBOS, a durable workflow per order",
            orders=600,
            place="python place.py",
            prepare="python prepare.py",
            processes={"worker-1": "python work.py", "worker-2": "python work.py"},
        ),
        Contestant(
            name="node",
            title="Node consumers, lean and tuned",
            orders=2_000,
            place="node place.js",
            processes={"worker-1": "node consume.js", "worker-2": "node consume.js"},
        ),
        OUTBOX,
        FLOOR,
    ]
}
