"""Does a second worker help a stage that waits for somebody else?"""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.loads.figures import Figure, Outcome, Scale
from benchmarks.loads.shop import PROCESSES, shop
from deploy.local.processes import Process

STAGE = "worker-payment-chains"
DISTANT = "env PAYMENT_GATEWAY=benchmarks.loads.gateway.DistantGateway"
FACTOR = 1.5
#: From the first that waits for its payment to the last that is paid.
RATE = """
    SELECT count(*) FILTER (WHERE type = 'payment.success')
        / extract(epoch FROM max(time) - min(time))::float
    FROM messaging_event
    WHERE type IN ('inventory.reserved', 'payment.success') AND id >= %s
"""


def workers(scale: Scale) -> Outcome:
    """Pay for orders at a gateway that is 50 ms away, with one worker and with two."""
    first, second = _copies()
    others = [one for one in PROCESSES if one.name != STAGE]
    with shop([*others, first, second]) as own:
        rates = []
        for crew in ([first], [first, second]):
            own.halt([first, second])
            own.start(crew)
            start = own.place(scale.orders)
            own.await_end(start, scale.orders)
            rates.append(own.one(RATE, start))
    return Outcome(_figures(rates))


def _figures(rates: Sequence[float]) -> list[Figure]:
    one, two = rates
    factor = two / one
    return [
        Figure("payments/s with one worker of two processes", f"{one:,.0f}"),
        Figure("payments/s with two of them", f"{two:,.0f}"),
        Figure("so many times", f"{factor:.2f}", f"above {FACTOR}", factor > FACTOR),
    ]


def _copies() -> tuple[Process, Process]:
    worker = next(one for one in PROCESSES if one.name == STAGE)
    first, second = (
        replace(
            worker,
            name=f"{STAGE}-{place}",
            command=f"{DISTANT} {worker.command.replace('@%h', f'-{place}@%h')}",
        )
        for place in (1, 2)
    )
    return first, second
