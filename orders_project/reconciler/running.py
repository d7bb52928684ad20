"""One run over everything: look, mend where that is safe, leave the rest to people."""

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from orders import services as orders
from orders_project.database import sql
from orders_project.database.silence import long_statements
from orders_project.messaging.nudging import RECONCILER
from orders_project.reconciler import looking
from orders_project.reconciler.checks import DRIFT, NUDGE
from orders_project.reconciler.looking import Finding

#: Of the advisory lock, whatever release holds it.
NAME = "waybill reconciler"
#: All lines of a much bought sku are added up in one statement.
LONGEST_STATEMENT = 600
#: A nudge that has not helped by the next run will not help a second time. An older one
#: than this was given for something else.
LATELY_DAYS = 7
IN_VAIN = """
    SELECT DISTINCT order_id::text FROM messaging_nudge
    WHERE order_id = ANY(%s::uuid[]) AND by = %s
        AND at BETWEEN now() - make_interval(days => %s)
            AND now() - make_interval(secs => %s)
"""


class AlreadyRunningError(Exception):
    """Somebody else reconciles at this moment: another shell, or the nightly run."""


class Report(NamedTuple):
    """What came of a page: how many were looked at, what was mended, what is left."""

    looked_at: int
    mended: Sequence[Finding]
    left: Sequence[Finding]


def reconcile(
    since: datetime, *, grace: float, repair: bool
) -> Generator[Report, None, None]:
    """Go over all orders since then, and all stock; yield a report for each page.

    What moved in the last `grace` seconds is on its way, and left out. The young orders
    come last: where a night is too short for them, they have another before they are
    old, and what has stalled of them has the sweeps. Raises AlreadyRunningError.
    """

    def look(order_ids: Sequence[str]) -> Report:
        found = looking.differences(order_ids, grace=grace)
        return _settle(len(order_ids), found, grace, repair=repair)

    with _alone():
        yield from map(look, looking.pages_of_old(since))
        for skus in looking.pages_of_skus():
            yield _recount(skus, repair=repair)
        yield from map(look, looking.pages_of_young(since))


@contextmanager
def _alone() -> Iterator[None]:
    with sql.alone(NAME) as is_alone:
        if not is_alone:
            raise AlreadyRunningError(AlreadyRunningError.__doc__)
        with long_statements(LONGEST_STATEMENT):
            yield


def _settle(
    looked_at: int, found: Sequence[Finding], grace: float, *, repair: bool
) -> Report:
    if not (found and repair):
        return Report(looked_at, (), found)
    in_vain = _nudged_in_vain(found, grace)
    mended: list[Finding] = []
    left: list[Finding] = []
    for one in found:
        (mended if _is_for_us(one, in_vain) else left).append(one)
    _mend(mended)
    orders.record_findings(
        (one.subject, one.check.name, f"{one.check.sentence} ({one.detail})")
        for one in left
    )
    return Report(looked_at, mended, left)


def _nudged_in_vain(found: Sequence[Finding], grace: float) -> set[str]:
    ids = [one.subject for one in found if one.check.remedy is NUDGE]
    return {row[0] for row in sql.fetch(IN_VAIN, [ids, RECONCILER, LATELY_DAYS, grace])}


def _is_for_us(finding: Finding, in_vain: set[str]) -> bool:
    remedy = finding.check.remedy
    return bool(remedy.mend) and not (remedy is NUDGE and finding.subject in in_vain)


def _mend(findings: Sequence[Finding]) -> None:
    subjects = defaultdict(set)
    for one in findings:
        subjects[one.check.remedy.mend].add(one.subject)
    for mend, some in subjects.items():
        if mend:
            mend(sorted(some))


def _recount(skus: Sequence[str], *, repair: bool) -> Report:
    found = looking.drifted(skus)
    if not (found and repair and DRIFT.remedy.mend):
        return Report(0, (), found)
    DRIFT.remedy.mend([one.subject for one in found])
    still = {one.subject for one in looking.drifted(skus)}
    return Report(
        0,
        [one for one in found if one.subject not in still],
        [one for one in found if one.subject in still],
    )
