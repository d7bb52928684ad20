"""Orders that came one by one go on together, where they had to wait."""

from payments.gateways.ledger import GatewayEntry
from tests.awaiting import eventually
from tests.processes import depth, worker
from tests.story.conftest import running

CHAINS = "payment.prepaid.queue"


def test_chains_that_wait_for_a_busy_worker_are_charged_together(shop):
    with running(CHAINS, **shop.settings):
        orders = []
        for number in range(1, 7):
            orders.append(shop.order())
            eventually(lambda number=number: depth(CHAINS) == number)
        with worker(CHAINS, **shop.settings):
            for order_id in orders:
                shop.wait_for(order_id, "completed")
        shop.verify()

    asked = GatewayEntry.objects.filter(operation="authorise")
    assert asked.count() == 6
    assert asked.values("at").distinct().count() < 4, "each batch has one time"
