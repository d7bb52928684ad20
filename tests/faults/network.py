"""F5, F6: connections that go silent, and connections that break."""

from tests.faults.run import (
    Run,
    customers_are_told,
    orders_are_recorded,
    orders_finish,
)

#: Who goes silent -> the sign that it works again, and the words for it.
SILENT = {
    "worker-payment": (orders_finish, "orders are paid"),
    "relay": (orders_finish, "events go out"),
    "worker-audit": (orders_are_recorded, "events are recorded"),
    "worker-notifications": (customers_are_told, "customers are told"),
}


def connections_go_silent(run: Run) -> None:
    """Have broker connections swallow everything: nothing arrives, no end is seen."""
    run.rig.run("flower")
    run.rig.wait_for("flower")
    run.pause(5)
    run.mark("silence")
    for name in (*SILENT, "flower"):
        run.rig.proxies[name, "amqp"].silence()
    for name, (sign, words) in SILENT.items():
        run.recovers(30, f"{name} after silence, {words}", sign)
    while run.ordering:
        run.pause(1)
    run.rig.halt("flower")


def connections_break(run: Run) -> None:
    """Reset every connection to the broker, and the relay's to the database."""
    while run.ordering:
        run.pause(3)
        run.mark("reset")
        for proxy in run.rig.proxies.values():
            proxy.reset()
        run.recovers(within=5)
