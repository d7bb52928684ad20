"""How long an urgent order takes through a shop that is full of others."""

import time

from benchmarks.loads import client
from benchmarks.loads.figures import (
    Figure,
    Outcome,
    Scale,
    middle,
    milliseconds,
    percentile,
)
from benchmarks.loads.shop import FIRST_STAGE, Shop, shop
from deploy.local.waiting import until

URGENT = 20
EVERY_SECONDS = 0.4
SECONDS = (
    "SELECT extract(epoch FROM completed_at - created_at)::float FROM orders_order"
)
LATENCY = f"{SECONDS} WHERE id = %s"
OPEN = "SELECT count(*) FROM orders_order WHERE is_open AND priority = 'normal'"


def urgent(scale: Scale) -> Outcome:
    """Hold the first stage back until the queues are full, then place urgent orders."""
    with shop() as own:
        own.halt(FIRST_STAGE)
        first = own.place(scale.orders)
        _fill_the_queues(own)
        own.start(FIRST_STAGE)
        answers, left = _place(own)
        own.await_end(first, scale.orders + len(answers))
        times = [own.one(LATENCY, one.order_id) for one in answers]
        others = own.latencies(first)
    figures = [
        Figure("normal orders before it", f"{scale.orders:,}"),
        Figure("still open at the last urgent one", f"{left:,}"),
        Figure("urgent orders", f"{len(times)}", "all of 20", len(times) == URGENT),
        milliseconds("placed to completed: median", middle(times), below=2000),
        milliseconds("worst", max(times, default=0), below=2000),
        milliseconds("the normal ones: median", percentile(others, 50)),
    ]
    return Outcome(figures)


def _fill_the_queues(own: Shop) -> None:
    until(
        lambda: not own.one("SELECT count(*) FROM messaging_parcel"),
        what="publishing the backlog",
        seconds=60,
    )


def _place(own: Shop) -> tuple[list[client.Answer], int]:
    """Place urgent orders, one at a time, as long as the backlog lasts."""
    answers: list[client.Answer] = []
    left = 0
    while len(answers) < URGENT and (found := own.one(OPEN)):
        left = found
        answers.append(client.order_one(own.system.web, "urgent"))
        time.sleep(EVERY_SECONDS)
    return answers, left
