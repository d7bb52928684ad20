"""F9: messages that are nonsense, and events that kill who handles them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kombu import Connection

from orders_project.messaging import deaths, envelope
from orders_project.messaging.events import PaymentSucceeded, new_id
from orders_project.messaging.topology import ORDER_QUEUE
from tests.awaiting import eventually
from tests.faults.rig import Rig
from tests.faults.run import Run

#: Where a payment was made that the worker of deadly.py does not survive.
DEADLY = "deadly"
#: A helping of poison, one of each kind, is for so many orders.
ORDERS = 40
#: Deaths of an event until it is parked, and how much slower its neighbours may be.
ATTEMPTS, SLOWER = len(deaths.CHUNKS), 2.0
PARKED = "SELECT count(*) FROM messaging_deadletter WHERE parked > to_timestamp(%s)"
P95 = """
    SELECT extract(epoch FROM percentile_disc(0.95) WITHIN GROUP
        (ORDER BY completed_at - created_at))::float
    FROM orders_order WHERE completed_at IS NOT NULL
        AND created_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)
"""


def some_messages_are_poison(run: Run) -> None:
    """Let some orders pass in peace, then poison the queue they go through."""
    helpings = max(run.plan.orders // ORDERS, 1)
    with mortal_worker(run.rig):
        run.mark("another worker")
        run.recovers(within=10)
        run.await_recovery()
        clean = run.mark("no poison yet")
        run.pause(run.plan.orders / run.plan.rate / 2)
        poisoned = run.mark("poison")
        killers = [poison_the_queue(run) for _ in range(helpings)]
        over = time.time()
        run.finish()
        eventually(lambda: parked(run) >= len(run.poison), within=60)
    _parked_in_time(run, killers)
    _neighbours_live(run, (clean, poisoned), (poisoned, over))


@contextmanager
def mortal_worker(rig: Rig) -> Iterator[None]:
    """Have a queue heard by a worker that certain events kill."""
    rig.crash_points.mkdir(exist_ok=True)
    rig.halt("worker-order")
    rig.run("worker-order-deadly")
    rig.wait_for("worker-order-deadly")
    try:
        yield
    finally:
        rig.halt("worker-order-deadly")
        rig.run("worker-order")


def parked(run: Run) -> int:
    return int(run.rig.fetch(PARKED, run.started)[0][0])


def poison_the_queue(run: Run) -> str:
    """Send one of each kind, and wait; returns the id of the event that kills."""
    strange, future, deadly = (
        envelope.encode(
            PaymentSucceeded(
                order_id=new_id(),
                amount_cents=1,
                currency="USD",
                method="prepaid",
                country=DEADLY,
            )
        )
        for _ in range(3)
    )
    put(run, ORDER_QUEUE.name, f"This is no event, but {new_id()}.")
    put(run, ORDER_QUEUE.name, strange.replace("payment.success", "payment.eaten"))
    put(run, ORDER_QUEUE.name, future.replace("/1", "/9"))
    put(run, ORDER_QUEUE.name, deadly)
    run.pause(ORDERS / run.plan.rate)
    return envelope.unread(deadly.encode()).id


def put(run: Run, queue: str, body: str) -> None:
    """Put poison into a queue, and expect it to be parked."""
    run.poison.add(body.encode())
    with Connection(run.rig.system.amqp_url) as broker, broker.Producer() as producer:
        producer.publish(body, routing_key=queue, delivery_mode=2)


def _parked_in_time(run: Run, killers: list[str]) -> None:
    for event_id in killers:
        deaths = len((run.rig.crash_points / event_id).read_text())
        if deaths > ATTEMPTS:
            run.complain(f"Event {event_id} killed {deaths} times.")


def _neighbours_live(run: Run, *spans: tuple[float, float]) -> None:
    (before,), (during,) = (run.rig.fetch(P95, *span)[0] for span in spans)
    words = f"p95 of orders {before:.2f} s before, {during:.2f} s beside the poison"
    run.figures.append(words)
    if during > SLOWER * before:
        run.late.append(f"Neighbours were slowed down: {words}.")
