import pytest

from .site import Site


@pytest.fixture
def site(transactional_db: None) -> Site:
    """Workers have connections of their own: what the test does must be committed."""
    return Site()
