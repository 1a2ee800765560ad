import pytest

from tests.worker.site import Site


@pytest.fixture
def site() -> Site:
    """A module that works with it says `pytestmark = COMMITTED`."""
    return Site()
