"""F1: kill -9 at every moment that the code names, for every queue, task and step."""

from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from tests.awaiting import eventually
from tests.faults.client import Wish, wishes
from tests.faults.poison import put
from tests.faults.rig import Rig
from tests.faults.run import SKUS, Run

#: The queues whose handlers take part in an order's way.
QUEUES = (
    "inventory.queue",
    "payment.queue",
    "order.queue",
    "shipping.queue",
    "failed.order.queue",
    "email.queue",
    "sms.queue",
    "audit.queue",
    "analytics.queue",
)
STEPS = (
    *("authorise", "capture", "accept", "collect", "refund"),
    *("prepare", "hand_over", "deliver"),
)
TASKS = (
    *(f"payments.tasks.{step}" for step in STEPS[:5]),
    *(f"shipping.tasks.{step}" for step in STEPS[5:]),
    "notifications.tasks.deliver",
)
SWEEPS = (
    "orders.services.expiring.expire_orders",
    "orders.services.nudging.nudge_idle_orders",
    "payments.services.resume_idle",
    "shipping.services.resume_idle",
    "notifications.sweeping.resume_idle",
)
#: Every moment that is named in the code, and the places where it comes.
MOMENTS: Mapping[str, tuple[str, ...]] = {
    "placing: before the commit": (),
    "placing: committed, not answered": (),
    "relay: taken, not published": (),
    "relay: published, not committed": (),
    "hearing: before the commit": QUEUES,
    "hearing: committed, not acknowledged": QUEUES,
    "deaths: counted": (),
    "hearing: on a rung, not acknowledged": (),
    "hearing: parked, not acknowledged": (),
    "steps: done, not acknowledged": TASKS,
    "steps: on a rung, not acknowledged": (),
    "payments: charged, not recorded": ("authorise", "capture"),
    "payments: refunded, not recorded": (),
    "shipping: booked, not recorded": (),
    "shipping: handed over, not recorded": (),
    "notifications: claimed, not sent": (),
    "notifications: sent, not noted": (),
    "sweep: before the commit": SWEEPS,
    "sweep: committed, not acknowledged": SWEEPS,
}
SHIPPED = "SELECT id::text FROM orders_order WHERE status = 'shipped'"
CHARGED = """
    SELECT p.order_id::text FROM payments_payment p JOIN orders_order o
        ON o.id = p.order_id
    WHERE p.method = 'prepaid' AND o.status IN ('pending', 'paid')
"""
#: Seconds within which somebody must come by.
PATIENCE = 30


def processes_die_at_every_moment(run: Run) -> None:
    """Arm one moment after the other, each until it has killed somebody.

    Each in one of its places, and then others while customers order; at night in all.
    """
    everywhere = [[*places_of(moment)] for moment in MOMENTS]
    names = [run.rng.choice(places) for places in everywhere]
    run.rng.shuffle(names)
    if run.plan.nightly:
        names += [name for places in everywhere for name in places]
    while run.ordering or names:
        kill_at(
            run, names.pop() if names else run.rng.choice(run.rng.choice(everywhere))
        )


def places_of(moment: str) -> Iterator[str]:
    yield from (f"{moment}, {place}" for place in MOMENTS[moment])
    if not MOMENTS[moment]:
        yield moment


def kill_at(run: Run, name: str) -> None:
    run.mark(name)
    armed = arm(run.rig, name)
    for provoke in (do for what, do in ONCE.items() if what in name):
        provoke(run)
    try:
        eventually(lambda: somebody_died(run, armed), within=PATIENCE, every=0.03)
    except AssertionError:
        armed.unlink(missing_ok=True)
        run.complain(f"Nobody came by within {PATIENCE} s: {name}")


def somebody_died(run: Run, armed: Path) -> bool:
    for provoke in (do for what, do in AGAIN.items() if what in armed.name):
        provoke(run)
    return not armed.exists()


def arm(rig: Rig, name: str) -> Path:
    rig.crash_points.mkdir(exist_ok=True)
    file = rig.crash_points / name
    file.touch()
    return file


# ---- what makes a moment come
def an_event_comes_back(run: Run) -> None:
    arm(run.rig, "hearing: before the commit, audit.queue")


def customers_confirm_too_early(run: Run) -> None:
    """Tell of deliveries as soon as a parcel may leave, before it has."""
    shipped = run.rig.fetch(
        "SELECT id::text FROM orders_order WHERE status = 'shipped'"
    )
    for wish in of_orders(run, {one for (one,) in shipped}):
        ask(run, wish, "confirm-delivery")


def a_customer_cancels(run: Run) -> None:
    charged = run.rig.fetch(CHARGED)
    for wish in islice(of_orders(run, {one for (one,) in charged}), 1):
        ask(run, wish, "cancel")


def of_orders(run: Run, ids: set[str]) -> Iterator[Wish]:
    return (wish for wish in list(run.customers.ledger) if ids & set(wish.ids))


def ask(run: Run, wish: Wish, what: str) -> None:
    """Ask for something that it may be too late for: then the answer is 409."""
    http = HTTPConnection(urlsplit(run.rig.system.web).netloc, timeout=10)
    path = f"/api/orders/{wish.ids[0]}/{what}/"
    http.request("POST", path, headers={"X-Order-Token": wish.token})
    http.getresponse().read()
    http.close()


def a_gateway_says_nothing(run: Run) -> None:
    """Have one more order, whose charges time out."""
    name = f"slow-{run.started:.0f}-{len(run.marks)}"
    wish = next(wishes([sku for (sku,) in run.rig.fetch(SKUS)], Random(1), name))
    wish.body |= {"method": "prepaid", "payment_token": "tok_timeout_once"}
    run.customers.want(wish)


def somebody_sends_nonsense(run: Run) -> None:
    put(run, "audit.queue", f"This is no event, and came at {run.marks[-1][0]}.")


#: Part of a moment's name -> what makes it come, if it is not just a matter of time.
ONCE: Mapping[str, Callable[[Run], None]] = {
    "deaths: counted": an_event_comes_back,
    "hearing: parked": somebody_sends_nonsense,
    "steps: on a rung": a_gateway_says_nothing,
}
AGAIN: Mapping[str, Callable[[Run], None]] = {
    "hearing: on a rung": customers_confirm_too_early,
    "refund": a_customer_cancels,
}
