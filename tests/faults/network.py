"""F5, F6: connections that go silent, and connections that break."""

import json
from base64 import b64encode

from deploy.local.fetch import fetch
from tests.faults.rig import Rig
from tests.faults.run import (
    Run,
    customers_are_told,
    orders_are_recorded,
    orders_finish,
)


def flower_hears(rig: Rig, since: float) -> bool:
    """Tell whether Flower knows of a task that a worker received after a moment."""
    login = b64encode(f"admin:{rig.system.secrets['flower']}".encode()).decode()
    tasks = f"127.0.0.1:{rig.system.ports['flower']}/api/tasks?limit=1"
    answer = fetch(
        f"http://{tasks}&sort_by=-received", {"Authorization": f"Basic {login}"}
    )
    return any(one["received"] >= since for one in json.loads(answer).values())


#: Who goes silent -> the sign that it works again, and the words for it.
SILENT = {
    "worker-payment": (orders_finish, "orders are paid"),
    "relay": (orders_finish, "events go out"),
    "worker-audit": (orders_are_recorded, "events are recorded"),
    "worker-notifications": (customers_are_told, "customers are told"),
    "flower": (flower_hears, "tasks are seen"),
}


def connections_go_silent(run: Run) -> None:
    """Have broker connections swallow everything: nothing arrives, no end is seen."""
    run.rig.run("flower")
    run.rig.wait_for("flower")
    run.pause(5)
    run.mark("silence")
    for name in SILENT:
        run.rig.proxies[name, "amqp"].silence()
    for name, (sign, words) in SILENT.items():
        run.recovers(30, f"{name} after silence, {words}", sign)
    run.await_recovery()
    run.rig.halt("flower")


def connections_break(run: Run) -> None:
    """Break every connection to the broker, and the relay's to the database.

    By a reset, or without a word, as a server that is killed does. Events must flow
    again at once; an order has a way to go until the next break.
    """
    while run.ordering:
        run.pause(3)
        how = run.rng.choice(("reset", "half_close"))
        run.mark(how)
        for proxy in run.rig.proxies.values():
            getattr(proxy, how)()
        run.recovers(5, f"Events after {how}", orders_are_recorded)
        run.recovers(within=10)
