import pytest


@pytest.fixture(autouse=True)
def the_clock_is_the_databases() -> None:
    """A clock that a test has moved is that of the queue, as it is in the tests of a site."""
