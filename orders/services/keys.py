"""Idempotency keys: a request that comes again gets the order of its first try.

A key's row is in the transaction of its order: who comes at the same time waits for its
unique index, and a first try that fails leaves no key behind.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from orders.pricing import NewOrder, in_items
from orders_project.database import sql
from orders_project.database.planned import Planned

# In the order of the index: two processes with the same two keys would else wait for
# one another.
TAKE = Planned("""
    INSERT INTO orders_idempotencykey (owner, key, body_hash, order_id)
    SELECT owner, key, body_hash, order_id FROM jsonb_to_recordset(%s)
        AS r(owner text, key text, body_hash text, order_id uuid)
    ORDER BY owner, key ON CONFLICT DO NOTHING RETURNING order_id::text
""")
SEEN = """
    SELECT r.order_id, CASE WHEN k.body_hash = r.body_hash THEN k.order_id::text END
    FROM jsonb_to_recordset(%s)
        AS r(owner text, key text, body_hash text, order_id text)
    JOIN orders_idempotencykey k USING (owner, key)
"""


def take(requests: Iterable[NewOrder]) -> set[str]:
    """Take the requests' keys; return the ids of those that came too late."""
    keyed = [request for request in requests if request.key]
    taken = {one for (one,) in sql.fetch(TAKE, [_rows(keyed)])} if keyed else set()
    return {request.id for request in keyed} - taken


def seen(requests: Sequence[NewOrder]) -> dict[str, str | None]:
    """Return, by the id of each request whose key was taken before, the order it made.

    None where the key stands for another body.
    """
    return dict(sql.fetch(SEEN, [_rows(requests)])) if requests else {}


def _rows(requests: Iterable[NewOrder]) -> str:
    return sql.rows(
        {
            "owner": owner_of(request),
            "key": request.key,
            "body_hash": fingerprint(request),
            "order_id": request.id,
        }
        for request in requests
    )


def owner_of(request: NewOrder) -> str:
    """Return whose an order's idempotency key is: two guests may use the same one.

    A guest is known by a hash of what reaches them, the same in each of their tries;
    who gives nothing of it must have a key that nobody else has: see intake.py.
    """
    if request.customer_id:
        return f"user {request.customer_id}"
    contact = msgspec.json.encode([request.email, request.phone])
    return f"guest {sha256(contact).hexdigest()}"


def fingerprint(request: NewOrder) -> str:
    """Return a hash of what is ordered, in whatever form; id and trace differ."""
    # Defaults are left out of it: else each field that a release adds would refuse the
    # retries of orders that were placed before.
    same = msgspec.structs.replace(request, id="", trace="", name_of=in_items)
    return sha256(msgspec.json.encode(same)).hexdigest()
