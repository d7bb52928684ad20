"""Ports on loopback that nobody listens on."""

import random
import socket

#: Away from the servers' usual ports: a system service started later must find its own
#: port free.
PREFERRED = {
    "web": 8000,
    "flower": 5555,
    "postgres": 21432,
    "amqp": 21672,
    "management": 21772,
    "prometheus": 21692,
    "distribution": 21572,
    "epmd": 21369,
}


def remembered(ports: dict[str, int]) -> dict[str, int]:
    """The ports of last time where they are still free, else the next free ones."""
    chosen: dict[str, int] = {}
    for name, preferred in PREFERRED.items():
        chosen[name] = _from(ports.get(name, preferred), taken=set(chosen.values()))
    return chosen


def scattered() -> dict[str, int]:
    """Ports for a short-lived system, at random so that two that start at once do not
    pick the same.
    """
    first = random.sample(
        range(22_000, 32_000), len(PREFERRED)
    )  # below the range of outgoing connections
    return remembered(dict(zip(PREFERRED, first, strict=True)))


def _from(first: int, taken: set[int]) -> int:
    return next(
        port for port in range(first, 65_536) if port not in taken and is_free(port)
    )


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Without it a port that we have just left counts as used until its last
        # connections are forgotten.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
