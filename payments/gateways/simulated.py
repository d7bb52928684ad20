"""A gateway for demos and tests: real books, answers steered by the payment token.

Each call is two statements in a transaction of its own, for any number of charges:
it locks the orders' accounts, then decides and enters what is new under its key.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import transaction

from orders_project.database import sql
from payments.gateways.ledger import GatewayEntry
from payments.gateways.port import UNANSWERED, Balance, Charge, Outcome, Reversal


class Manner(NamedTuple):
    """How the gateway treats a token."""

    refusal: str = ""
    slow: bool = False
    silent_once: bool = False
    unreachable: bool = False


MANNERS: Mapping[str, Manner] = {
    "tok_ok": Manner(),
    "tok_declined": Manner(refusal="declined"),
    "tok_insufficient_funds": Manner(refusal="insufficient_funds"),
    "tok_slow": Manner(slow=True),
    "tok_timeout_once": Manner(silent_once=True),
    "tok_unreachable": Manner(unreachable=True),
}
#: How many orders `touched` yields at a time.
PAGE = 2000
UNKNOWN_TOKEN = Manner(refusal="unknown_token")

LOCK = """
    INSERT INTO gateway_account AS a (order_id, closed)
    SELECT order_id, %s FROM unnest(%s::uuid[]) AS order_id ORDER BY order_id
    ON CONFLICT (order_id) DO UPDATE SET closed = a.closed OR excluded.closed
"""
SUMS = """
    coalesce(sum(e.amount_cents) FILTER (WHERE e.state = 'authorised'), 0) AS held,
    coalesce(sum(e.amount_cents) FILTER (WHERE e.state = 'captured'), 0) AS taken,
    coalesce(sum(e.amount_cents) FILTER (WHERE e.state = 'refunded'), 0) AS returned
"""
#: The accounts are locked, so what their books say holds until the commit.
BOOKS = f"""
    CROSS JOIN LATERAL (
        SELECT {SUMS} FROM gateway_entry e WHERE e.order_id = a.order_id
    ) AS books
"""
ANSWER = """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(%s) AS a(key text, order_id uuid,
            amount_cents bigint, currency text, refusal text)
        JOIN gateway_account g USING (order_id) {books}
    ), decided AS (
        SELECT *, {reason} AS reason, {state} AS good, {amount} AS amount FROM asked
    ), fresh AS (
        INSERT INTO gateway_entry (key, order_id, operation, state, reason,
            amount_cents, currency, reference)
        SELECT key, order_id, '{operation}',
            CASE reason WHEN '' THEN good ELSE 'declined' END, reason, amount,
            currency, 'sim_' || replace(order_id::text, '-', '')
        FROM decided ORDER BY key
        ON CONFLICT (key) DO NOTHING
        RETURNING key, state, reason, reference
    )
    SELECT key, state, reason, reference, true FROM fresh
    UNION ALL
    SELECT key, state, reason, reference, false
    FROM gateway_entry JOIN asked USING (key)
"""
AUTHORISE = ANSWER.format(
    operation="authorise",
    books="",
    reason="CASE WHEN closed THEN 'voided' ELSE refusal END",
    state="'authorised'",
    amount="amount_cents",
)
CAPTURE = ANSWER.format(
    operation="capture",
    books=BOOKS,
    reason="CASE WHEN closed THEN 'voided'"
    " WHEN held - taken < amount_cents THEN 'not_authorised' ELSE '' END",
    state="'captured'",
    amount="amount_cents",
)
REVERSE = ANSWER.format(
    operation="refund_or_void",
    books=BOOKS,
    reason="''",
    state="CASE WHEN taken > 0 THEN 'refunded' ELSE 'voided' END",
    amount="taken - returned",
)
LOOKUP = f"""
    SELECT order_id::text, jsonb_build_object('authorised_cents', held,
        'captured_cents', taken, 'refunded_cents', returned, 'closed', closed,
        'reference', reference, 'changed', changed)
    FROM (
        SELECT g.order_id, g.closed, coalesce(max(e.reference), '') AS reference,
            max(e.at) AS changed, {SUMS}
        FROM gateway_account g LEFT JOIN gateway_entry e USING (order_id)
        WHERE g.order_id = ANY(%s::uuid[]) GROUP BY g.order_id
    ) AS books
"""


class InsideTransactionError(Exception):
    """The gateway was called inside a transaction of ours.

    A rollback would forget a charge that a real gateway had made. Read the rows,
    call the gateway, and only then open the transaction that records its answers.
    """


class SimulatedGateway:
    """Keeps what `PaymentGateway` promises, in the tables of ledger.py."""

    def authorise(self, charges: Sequence[Charge]) -> list[Outcome]:
        return _charge(AUTHORISE, charges)

    def capture(self, charges: Sequence[Charge]) -> list[Outcome]:
        return _charge(CAPTURE, charges)

    def refund_or_void(self, reversals: Sequence[Reversal]) -> list[Outcome]:
        rows = [_row(reversal, amount_cents=0, currency="") for reversal in reversals]
        answers = _enter(REVERSE, rows, closed=True)
        return [answers[reversal.key][0] for reversal in reversals]

    def touched(self, since: datetime) -> Iterator[list[str]]:
        entries = GatewayEntry.objects.filter(at__gte=since)
        orders = entries.order_by().values_list("order_id", flat=True).distinct()
        ids = map(str, orders.iterator(PAGE))
        while page := list(islice(ids, PAGE)):
            yield page

    def lookup(self, order_ids: Sequence[str]) -> list[Balance]:
        found: dict[str, str] = dict(sql.fetch(LOOKUP, [list(order_ids)]))
        return [
            msgspec.json.decode(found.get(order_id, "{}"), type=Balance)
            for order_id in order_ids
        ]


def _charge(decide: str, charges: Sequence[Charge]) -> list[Outcome]:
    manners = [MANNERS.get(charge.token, UNKNOWN_TOKEN) for charge in charges]
    rows = [
        _row(
            charge,
            amount_cents=charge.amount_cents,
            currency=charge.currency,
            refusal=manner.refusal,
        )
        for charge, manner in zip(charges, manners, strict=True)
        if not manner.unreachable
    ]
    answers = _enter(decide, rows, closed=False)
    if any(manner.slow for manner in manners):
        time.sleep(settings.SIMULATED_SLOW_SECONDS)
    return [
        _heard(manner, answers.get(charge.key, (UNANSWERED, False)))
        for charge, manner in zip(charges, manners, strict=True)
    ]


def _heard(manner: Manner, answer: tuple[Outcome, bool]) -> Outcome:
    """Return what the caller gets to hear of an outcome that is in the books."""
    outcome, fresh = answer
    return UNANSWERED if manner.silent_once and fresh else outcome


def _row(asked: Charge | Reversal, **more: object) -> dict[str, Any]:
    return {"key": asked.key, "order_id": asked.order_id, "refusal": "", **more}


def _enter(
    decide: str, rows: Sequence[Mapping[str, Any]], *, closed: bool
) -> dict[str, tuple[Outcome, bool]]:
    """Return, by key, the outcome in the books and whether this call entered it."""
    if not rows:
        return {}
    with _own_transaction():
        sql.run(LOCK, [closed, sorted({row["order_id"] for row in rows})])
        entered = sql.fetch(decide, [sql.rows(rows)])
    return {
        key: (Outcome(state=state, reason=reason, reference=reference), fresh)
        for key, state, reason, reference, fresh in entered
    }


@contextmanager
def _own_transaction() -> Iterator[None]:
    # Only Django's refusal is a RuntimeError here: what runs inside is SQL.
    try:
        with transaction.atomic(durable=True):
            yield
    except RuntimeError as error:
        raise InsideTransactionError(InsideTransactionError.__doc__) from error
