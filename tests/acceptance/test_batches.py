"""The end of a batch whose workers are killed; `tests.acceptance.batch_kills` does so at length."""

import pytest

from .batch_kills import batch_under_kills
from .processes import PATIENCE, Deployment

pytestmark = pytest.mark.acceptance

MEMBERS = 150


@pytest.mark.timeout(600)  # two workers die, and their leases have to lapse
def test_a_batch_whose_workers_are_killed_ends_once_and_after_its_last_member(
    deployment: Deployment,
) -> None:
    found = batch_under_kills(deployment, members=MEMBERS, kills=2, patience=2 * PATIENCE)

    chained = MEMBERS // 10
    assert found == {
        "members": MEMBERS + chained,
        "succeeded": MEMBERS + chained,
        "finished": True,
        "ends": 1,
        "too_early": 0,
        "seen_alive": 0,
    }
