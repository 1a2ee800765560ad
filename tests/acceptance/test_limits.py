"""A limit across worker processes holds whatever becomes of them."""

import pytest

from .limited import LIMIT, most_at_once
from .processes import PATIENCE, Deployment

pytestmark = pytest.mark.acceptance


def test_no_more_are_leased_than_the_limit_while_children_are_killed(
    deployment: Deployment,
) -> None:
    """`python -m tests.acceptance.limits` runs it in full size."""
    most = most_at_once(deployment, jobs=30, kills=2, processes=4, patience=2 * PATIENCE)

    assert most == LIMIT
