"""Customers who come by the clock and do not wait for one another.

A closed loop would order less as soon as the shop gets slow, and so hide it. The time
of an answer counts from the moment the order was due, not from when it was sent.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from benchmarks.orders import SKUS

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Who gets no answer within this is an error.
PATIENCE_SECONDS = 30
PREPARED = 500
HEAD = """\
POST /api/orders/ HTTP/1.1
Host: {host}
Content-Type: application/json
Content-Length: {length}
Idempotency-Key: {key}

"""
#: What stands in a prepared request for the key of each.
KEY = "a key of its own"


class Answer(NamedTuple):
    """`due` in seconds since the start; status 0 where no answer came."""

    due: float
    seconds: float
    status: int
    order_id: str = ""


def order(url: str, *, rate: float, seconds: float) -> list[Answer]:
    """Place so many orders a second for so long; returns when all are answered."""
    return asyncio.run(Crowd(url).come(rate, round(rate * seconds)))


def order_one(url: str, priority: str) -> Answer:
    return asyncio.run(Crowd(url, priority).come(1, 1))[0]


class Crowd:
    def __init__(self, url: str, priority: str = "normal") -> None:
        self.address = urlsplit(url)
        self.requests = [
            _request(self.address.netloc, priority) for _ in range(PREPARED)
        ]
        self.idle: list[Connection] = []

    async def come(self, rate: float, count: int) -> list[Answer]:
        start, visits = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(start + number / rate - time.monotonic())
            visits.append(asyncio.create_task(self._visit(start, number / rate)))
        answers = await asyncio.gather(*visits)
        for _, writer in self.idle:
            writer.close()
        return answers

    async def _visit(self, start: float, due: float) -> Answer:
        key = uuid4().hex.encode()
        request = random.choice(self.requests).replace(KEY.encode(), key, 1)
        try:
            status, body = await asyncio.wait_for(self._post(request), PATIENCE_SECONDS)
        except (OSError, EOFError, TimeoutError, ValueError):
            return Answer(due, time.monotonic() - start - due, 0)
        return Answer(due, time.monotonic() - start - due, status, _id_in(body))

    async def _post(self, request: bytes) -> tuple[int, bytes]:
        # The server closes what was idle for long, maybe while we write to it.
        while self.idle:
            with suppress(ConnectionError, EOFError):
                return await self._ask(self.idle.pop(), request)
        host, port = self.address.hostname, self.address.port
        return await self._ask(await asyncio.open_connection(host, port), request)

    async def _ask(self, connection: Connection, request: bytes) -> tuple[int, bytes]:
        reader, writer = connection
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
        except BaseException:
            writer.close()
            raise
        self.idle.append(connection)
        return int(head[9:12]), body


def _request(host: str, priority: str) -> bytes:
    body = json.dumps(
        {
            "items": [
                {"sku": sku, "quantity": random.randint(1, 3)}
                for sku in random.sample(SKUS, 2)
            ],
            "email": "ada@example.org",
            "phone": "+4912345",
            "priority": priority,
        }
    )
    head = HEAD.format(host=host, length=len(body), key=KEY).replace("\n", "\r\n")
    return (head + body).encode()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n")[0])


def _id_in(body: bytes) -> str:
    return json.loads(body).get("id", "")


def seconds_by_second(answers: Sequence[Answer]) -> Iterator[tuple[float, list[float]]]:
    """Yield each second of the run with the times of the orders that were due in it."""
    by_second: dict[int, list[float]] = {}
    for one in answers:
        by_second.setdefault(int(one.due), []).append(one.seconds)
    yield from sorted(by_second.items())
