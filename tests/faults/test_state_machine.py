"""F16: any order of deliveries, duplicates, crashes and requests, and nothing is lost.

In the end of each run of Hypothesis everything is delivered, and every promise holds.
`bin/faults --nightly` runs more and longer ones.
"""

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as chosen
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.machine import Shop


@pytest.mark.timeout(6 * 60 * 60)
def test_whatever_happens_in_whatever_order_nothing_is_lost_or_doubled(on_paper):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Shop, settings=chosen(deadline=None, suppress_health_check=quiet)
    )
