"""Customers who order over HTTP, never give up, and write down what they were told.

The ledger they keep is what the database is compared with: who was told 201 has an
order, one for each key, and there is no order that nobody asked for.
"""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from random import Random
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.awaiting import eventually

AT_ONCE = 8
CREATED, UNAVAILABLE = 201, 503
#: Seconds; the longest wait between two tries, and the patience with one answer.
PAUSE, PATIENCE = 1.0, 40.0
#: Every so many orders are sent a second time after their 201, as by a client that
#: did not get the answer.
AGAIN = 10

#: method, payment token -> how many of a hundred orders: the endings of the flow.
MIX = {
    ("prepaid", "tok_ok"): 80,
    ("cod", "tok_ok"): 10,
    ("prepaid", "tok_declined"): 6,
    ("prepaid", "tok_insufficient_funds"): 4,
}


class Try(NamedTuple):
    """One request: when, the status or the error, and how many seconds it took."""

    when: float
    said: int | str
    seconds: float


@dataclass
class Wish:
    """An order somebody wants, and what came of asking for it."""

    key: str
    body: dict[str, Any]
    tries: list[Try] = field(default_factory=list)
    #: What the 201s said: more than one different id would be a broken promise.
    ids: list[str] = field(default_factory=list)
    #: And at which price, by id.
    prices: dict[str, int] = field(default_factory=dict)
    #: What the customer shows to ask for more of the order.
    token: str = ""

    @property
    def granted(self) -> bool:
        return bool(self.ids)

    @property
    def first_success(self) -> float:
        """When the request was sent that was answered with the first 201."""
        return next(one.when for one in self.tries if one.said == CREATED)

    @property
    def refused(self) -> bool:
        """An answer that says it is the client's fault."""
        last = self.tries[-1].said if self.tries else 0
        return isinstance(last, int) and 400 <= last < 500


def wishes(skus: Sequence[str], rng: Random, prefix: str) -> Iterator[Wish]:
    """Yield orders without end; the same ones for the same seed."""
    number = 0
    while True:
        number += 1
        method, token = rng.choices([*MIX], [*MIX.values()])[0]
        items = [
            {"sku": sku, "quantity": rng.randint(1, 3)}
            for sku in rng.sample(skus, rng.choice((1, 1, 2)))
        ]
        key = f"{prefix}-{number:06}"
        yield Wish(
            key,
            {
                "items": items,
                "method": method,
                "payment_token": token,
                "priority": rng.choice(("normal", "normal", "normal", "urgent")),
                "email": f"{key}@example.org",
                "phone": "+49301234567",
                "reference": key,
            },
        )


class Customers:
    """Order in the background, `rate` a second, until there are `count` and `enough`.

    `rate` holds however long the answers take: a slow shop does not slow its customers.
    """

    def __init__(
        self, url: str, wanted: Iterator[Wish], count: int, rate: float
    ) -> None:
        self.address = urlsplit(url).netloc
        self.wanted, self.count, self.rate = wanted, count, rate
        self.ledger: list[Wish] = []
        self.enough = threading.Event()
        self.abandoned = threading.Event()
        self._queue: SimpleQueue[Wish] = SimpleQueue()
        self._threads = [threading.Thread(target=self._ask, daemon=True)]
        self._threads += [
            threading.Thread(target=self._order, daemon=True) for _ in range(AT_ONCE)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.abandoned.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    @property
    def busy(self) -> bool:
        """Whether there are fewer than `count` orders yet."""
        return len(self.ledger) < self.count

    @property
    def granted(self) -> int:
        return sum(wish.granted for wish in self.ledger)

    @property
    def waiting(self) -> int:
        """How many wishes have neither been granted nor refused."""
        return sum(not (wish.granted or wish.refused) for wish in self.ledger)

    def finish(self) -> None:
        """Order no more than was asked for, and insist until all have an answer."""
        self.enough.set()
        eventually(lambda: not (self.busy or self.waiting), within=120, every=0.1)

    def write(self, file: Path) -> None:
        """Write the ledger as JSON lines."""
        with file.open("w") as lines:
            for wish in self.ledger:
                lines.write(json.dumps(vars(wish)) + "\n")

    def _ask(self) -> None:
        start, wanted = time.monotonic(), 0
        while self.busy or not self.enough.is_set():
            wanted += 1
            if self.abandoned.wait(
                max(0, start + wanted / self.rate - time.monotonic())
            ):
                return
            self.want(next(self.wanted))

    def want(self, wish: Wish) -> None:
        """Have somebody order this."""
        self.ledger.append(wish)
        self._queue.put(wish)

    def _order(self) -> None:
        while not self.abandoned.is_set():
            try:
                wish = self._queue.get(timeout=0.2)
            except Empty:
                continue
            self._insist(wish)
            if int(wish.key[-6:]) % AGAIN == 0:
                self._insist(wish)

    def _insist(self, wish: Wish) -> None:
        pause, before = 0.05, len(wish.ids)
        while not self.abandoned.is_set():
            self._try(wish)
            if len(wish.ids) > before or wish.refused:
                return
            pause = min(pause * 2, PAUSE)
            self.abandoned.wait(pause)

    def _try(self, wish: Wish) -> None:
        now = time.time()
        try:
            status, answer = self._post(wish)
        except (OSError, HTTPException) as error:
            wish.tries.append(Try(now, repr(error), time.time() - now))
            return
        # The id first: who reads the ledger meanwhile must not see a 201 without it.
        if status == CREATED:
            placed = json.loads(answer)
            wish.token = placed["order_token"]
            wish.prices[placed["id"]] = placed["total_cents"]
            wish.ids.append(placed["id"])
        wish.tries.append(Try(now, status, time.time() - now))

    def _post(self, wish: Wish) -> tuple[int | str, bytes]:
        http = HTTPConnection(self.address, timeout=PATIENCE)
        try:
            http.request(
                "POST",
                "/api/orders/",
                json.dumps(wish.body),
                {"Content-Type": "application/json", "Idempotency-Key": wish.key},
            )
            answer = http.getresponse()
            return said(answer), answer.read()
        finally:
            http.close()


def said(answer: HTTPResponse) -> int | str:
    """Return the status; a 503 that does not say when to come back is an error."""
    if answer.status == UNAVAILABLE and not answer.getheader("Retry-After"):
        return "503 without Retry-After"
    return answer.status
