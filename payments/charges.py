"""Charging through the gateway: the services behind the steps authorise and capture.

Each reads, asks outside any transaction, and records the answers in one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction

from orders_project.database import sql
from orders_project.messaging import outbox
from orders_project.messaging.crash import crash_point
from orders_project.messaging.events import Event
from payments import refunds
from payments.gateways import gateway
from payments.gateways.port import Charge, Outcome
from payments.lifecycle import AUTHORISED, FAILED, OPENED, SETTLED, VOIDING
from payments.rows import Row, lock, move, read


class Stage(NamedTuple):
    """A call to the gateway: from which status, and where each answer leads.

    Who has reached the goal before goes on with the others.
    """

    operation: str
    source: str
    leads: Mapping[str, str]
    goal: str


AUTHORISATION = Stage(
    "authorise", OPENED, {"authorised": AUTHORISED, "declined": FAILED}, AUTHORISED
)
# What is held must be released when it cannot be taken: hence VOIDING.
CAPTURE = Stage(
    "capture", AUTHORISED, {"captured": SETTLED, "declined": VOIDING}, SETTLED
)

#: Characters of what a gateway says: some answer a page of HTML.
LONGEST_WORD = 255

SAYS: Mapping[str, Callable[[Row], Event]] = {
    SETTLED: Row.success,
    FAILED: Row.failure,
}


class Progress(NamedTuple):
    """The orders that are past a step, and those whose answer nobody knows yet."""

    past: list[str]
    unanswered: list[str]


def authorise(order_ids: Sequence[str]) -> Progress:
    """Have the gateway hold the money; a refusal ends the payment."""
    return _charge(AUTHORISATION, order_ids)


def capture(order_ids: Sequence[str]) -> Progress:
    """Have the gateway take the money that it holds, and say that it is ours."""
    return _charge(CAPTURE, order_ids)


def _charge(stage: Stage, order_ids: Sequence[str]) -> Progress:
    rows = read(order_ids, stage.source, stage.goal)
    waiting = [row for row in rows if row.status == stage.source]
    charges = [_as_charge(row, stage.operation) for row in waiting]
    outcomes = getattr(gateway(), stage.operation)(charges)
    crash_point("payments: charged, not recorded", stage.operation)
    answers = {
        charge.order_id: outcome
        for charge, outcome in zip(charges, outcomes, strict=True)
        if outcome.state != "unanswered"
    }
    moved = _record(stage, answers)
    silent = [one.order_id for one in waiting if one.order_id not in answers]
    # Of the same charge another chain may have been told meanwhile, and goes on: what
    # is past this stage must not be given up.
    still = read(silent, stage.source) if silent else []
    unanswered = [row.order_id for row in still]
    past = [row.order_id for row in (*rows, *moved) if row.status == stage.goal]
    return Progress(past, unanswered)


def _as_charge(row: Row, operation: str) -> Charge:
    return Charge(
        key=f"{row.order_id}:{operation}",
        order_id=row.order_id,
        amount_cents=row.amount_cents,
        currency=row.currency,
        token=row.token,
        reference=row.reference,
    )


@transaction.atomic
def _record(stage: Stage, answers: Mapping[str, Outcome]) -> list[Row]:
    lock(answers)
    moved = move([_as_move(stage, *answer) for answer in answers.items()])
    refunds.request([row for row in moved if row.status == VOIDING])
    refunds.request_again(_charged(answers) - {row.order_id for row in moved})
    outbox.append(*(SAYS[row.status](row) for row in moved if row.status in SAYS))
    return moved


def _as_move(stage: Stage, order_id: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "status": stage.leads[outcome.state],
        "reason": sql.words(outcome.reason, LONGEST_WORD),
        "reference": sql.words(outcome.reference, LONGEST_WORD),
    }


def _charged(answers: Mapping[str, Outcome]) -> set[str]:
    return {one for one, outcome in answers.items() if outcome.state != "declined"}
