"""A client of this API over one kept connection. Knows only what /api/docs/ says."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}
TIMEOUT_SECONDS = 30
TRIES = 3
CREATED, OK, CONFLICT = 201, 200, 409


class RefusedError(Exception):
    """The shop did not do what was asked; the message is its answer."""


class Shop:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._http = CONNECTIONS[parts.scheme](parts.netloc, timeout=TIMEOUT_SECONDS)

    def order(self, body: dict[str, Any]) -> dict[str, Any]:
        """Place an order, once however often the connection breaks."""
        headers = {"Idempotency-Key": str(uuid4())}
        return self._post("/api/orders/", body, headers, accept=(CREATED,))

    def cancel(self, order: dict[str, Any]) -> None:
        """Cancel an order, unless it was quicker."""
        path = f"/api/orders/{order['id']}/cancel/"
        token = {"X-Order-Token": order["order_token"]}
        self._post(path, {}, token, accept=(OK, CONFLICT))

    def close(self) -> None:
        self._http.close()

    def _post(
        self,
        path: str,
        body: dict[str, Any],
        headers: dict[str, str],
        *,
        accept: tuple[int, ...],
    ) -> dict[str, Any]:
        status, answer = self._try(path, json.dumps(body), headers)
        if status not in accept:
            raise RefusedError(f"POST {path} was answered {status}: {answer}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def _try(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
        # A server may close an idle connection in the moment in which we use it.
        for left in reversed(range(TRIES)):
            try:
                return self._send(path, body, headers)
            except (OSError, HTTPException):
                self._http.close()
                if not left:
                    raise
        raise AssertionError

    def _send(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, str]:
        kind = {"Content-Type": "application/json"}
        self._http.request("POST", path, body, headers | kind)
        answer = self._http.getresponse()
        return answer.status, answer.read().decode()
