"""Customers of the demo: they order over HTTP, and some change their mind."""

import threading
import time
from collections.abc import Iterator, Mapping
from queue import Empty, SimpleQueue
from random import Random
from types import TracebackType
from typing import Any, NamedTuple, Self

from orders.demo import dataset
from orders.demo.client import Shop
from orders.demo.dataset import PastOrder

AT_ONCE = 8


class Way(NamedTuple):
    """How a customer pays, and whether they cancel right after ordering."""

    method: str
    payment_token: str
    cancels: bool = False


#: The endings of the flow, in a mix that a shop would believe: way -> percent.
MIX: Mapping[Way, int] = {
    Way("prepaid", "tok_ok"): 78,
    Way("cod", "tok_ok"): 10,
    Way("prepaid", "tok_declined"): 4,
    Way("prepaid", "tok_insufficient_funds"): 3,
    Way("prepaid", "tok_timeout_once"): 2,
    Way("prepaid", "tok_ok", cancels=True): 3,
}


class Errand(NamedTuple):
    """An order to place, not before `due` on the monotonic clock."""

    due: float
    way: Way
    past: PastOrder

    def body(self) -> dict[str, Any]:
        return {
            "items": [
                {"sku": item.sku, "quantity": item.quantity} for item in self.past.items
            ],
            "method": self.way.method,
            "payment_token": self.way.payment_token,
            "country": self.past.country,
            "priority": self.past.priority,
            "email": self.past.email,
            "reference": self.past.reference,
            "user": self.past.customer_ref,
        }


class Shopping:
    """Places orders of the data set in the background, AT_ONCE at once.

    With `rate` that many a second, however long the answers take. `posted` grows
    meanwhile: the order's id -> the moment just before its POST.
    """

    def __init__(self, url: str, orders: int, rate: float | None = None) -> None:
        self.url = url
        self.posted: dict[str, float] = {}
        self.failure: Exception | None = None
        self._errands: SimpleQueue[Errand] = SimpleQueue()
        for errand in errands(orders, rate):
            self._errands.put(errand)
        self._stop = threading.Event()
        self._customers = [threading.Thread(target=self._shop) for _ in range(AT_ONCE)]

    def __enter__(self) -> Self:
        for customer in self._customers:
            customer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for customer in self._customers:
            customer.join()

    def _shop(self) -> None:
        shop = Shop(self.url)
        try:
            while not self._stop.is_set():
                self._run(shop, self._errands.get_nowait())
        except Empty:
            pass
        except Exception as error:  # noqa: BLE001 - the command that waits raises it
            self.failure = error
        finally:
            shop.close()

    def _run(self, shop: Shop, errand: Errand) -> None:
        if self._stop.wait(max(0.0, errand.due - time.monotonic())):
            return
        before = time.time()
        order = shop.order(errand.body())
        self.posted[order["id"]] = before
        if errand.way.cancels:
            shop.cancel(order)


def errands(orders: int, rate: float | None) -> Iterator[Errand]:
    """Yield what is to be ordered; the same every time, so that runs compare."""
    ways = Random(2026).choices([*MIX], [*MIX.values()], k=orders)
    start = time.monotonic()
    for number, past in enumerate(dataset.repeated(orders)):
        yield Errand(start + (number / rate if rate else 0), ways[number], past)
