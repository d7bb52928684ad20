"""Who follows docs/tour.md sees in each queue what the page says, step after step."""

import re
from contextlib import ExitStack
from functools import partial

from orders_project.messaging.topology import QUEUES
from tests.awaiting import eventually
from tests.docs.pages import ROOT, Page, codes
from tests.processes import relay, worker

TOUR = Page(ROOT / "docs/tour.md")
READY = re.compile(r"`([\w.]+)` (\d+)")


def steps():
    """Yield what is started, and all that is ready in the queues from then on."""
    ready = {}
    for started, told, _ in TOUR.table("Watch one order"):
        for queues in codes(started):
            ready.pop(queues.partition(",")[0])
        ready |= {name: int(count) for name, count in READY.findall(told)}
        yield started, dict(ready)


def holds(broker, ready):
    declared = [broker.channel.queue_declare(one.name, passive=True) for one in QUEUES]
    return ready == {
        one.queue: one.message_count for one in declared if one.message_count
    }


def start(cell, settings):
    queues = "".join(codes(cell))
    return worker(*queues.split(","), **settings) if queues else relay(**settings)


def test_each_process_moves_the_order_on_by_the_step_of_the_page(shop, broker, quick):
    settings = quick | {"CARRIER_DELIVERY_SECONDS": "none"}
    shop.order()
    with ExitStack() as running:
        for started, ready in steps():
            running.enter_context(start(started, settings))
            eventually(partial(holds, broker, ready), every=0.1)
