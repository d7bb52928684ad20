"""One private system for all faults: to start it takes longer than most of them."""

import pytest

from tests.faults.rig import rig


@pytest.fixture(scope="session")
def running():
    with rig() as ours:
        yield ours
