"""The safeguards, how each is removed from the code, and which tests must notice."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """A text, and what stands there instead."""

    file: str
    old: str
    new: str


class Mutation(NamedTuple):
    """A safeguard, how it is removed, and the tests that must notice."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    def misfits(self, tree: Path) -> Iterator[str]:
        """Yield which of its texts is not in its file exactly once."""
        for file, old, _ in self.edits:
            if (count := (tree / file).read_text().count(old)) != 1:
                yield f"{self.name}: {old!r} is {count} times in {file}"


MESSAGING = "orders_project/messaging"
#: A table of moves in which each status may follow each.
ANY_MOVE = "dict.fromkeys({0}, [*{0}])"

MUTATIONS = (
    Mutation(
        "the inbox",
        (
            Edit(
                f"{MESSAGING}/inbox.py",
                "return [event for event in by_id.values() if event.id in fresh]",
                "return list(events)",
            ),
        ),
        (
            "tests/broker/test_failing.py::test_duplicates_in_any_order_are_handled_once",
        ),
    ),
    Mutation(
        "the row lock",
        (
            Edit(
                "inventory/services.py",
                "WHERE sku = ANY(%s) ORDER BY sku FOR UPDATE",
                "WHERE sku = ANY(%s) ORDER BY sku",
            ),
        ),
        ("tests/faults/test_oversell.py",),
    ),
    Mutation(
        "the outbox's transaction",
        (
            Edit(
                f"{MESSAGING}/outbox.py",
                "if not connection.in_atomic_block:",
                "if False:",
            ),
            Edit(
                "orders/services/placing.py",
                "@transaction.atomic\ndef place_orders",
                "def place_orders",
            ),
        ),
        ("tests/faults/test_outbox.py",),
    ),
    Mutation(
        "the handler's transaction",
        (
            Edit(
                f"{MESSAGING}/hearing.py",
                "@transaction.atomic\ndef _in_one_transaction",
                "def _in_one_transaction",
            ),
        ),
        ("tests/faults/test_outbox.py",),
    ),
    Mutation(
        "the wait for the confirms",
        (
            Edit(
                f"{MESSAGING}/broker.py",
                "            self._send(message)\n        self._wait()\n",
                "            self._send(message)\n",
            ),
        ),
        ("tests/faults/test_outbox.py",),
    ),
    Mutation(
        "the flag `mandatory`",
        (Edit(f"{MESSAGING}/broker.py", "mandatory=True", "mandatory=False"),),
        ("tests/broker/test_routing.py",),
    ),
    Mutation(
        "an order's forward-only rule",
        (
            Edit(
                f"{MESSAGING}/rows.py",
                "for start, onward in lifecycle.items() if status in onward]",
                "for start in lifecycle]",
            ),
        ),
        ("tests/orders/test_moving.py",),
    ),
    Mutation(
        "a payment's forward-only rule",
        (
            Edit(
                "payments/rows.py",
                "lifecycle.PAYMENT",
                ANY_MOVE.format("lifecycle.PAYMENT"),
            ),
        ),
        ("tests/payments",),
    ),
    Mutation(
        "a shipment's forward-only rule",
        (
            Edit(
                "shipping/rows.py",
                "lifecycle.SHIPMENT",
                ANY_MOVE.format("lifecycle.SHIPMENT"),
            ),
        ),
        ("tests/shipping",),
    ),
    Mutation(
        "the gateway's idempotency key",
        (
            Edit(
                "payments/charges.py",
                'key=f"{row.order_id}:{operation}"',
                "key=__import__('uuid').uuid4().hex",
            ),
        ),
        ("tests/faults/test_gateway.py",),
    ),
)
