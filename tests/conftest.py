import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from django_jobqueue.testing import database_clock


def pytest_report_header() -> str:
    import django

    return f"database: {connection.vendor}, Django {django.get_version()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A vendor's facts run on that vendor only; the others are deselected, and counted as such."""
    others = {"postgresql", "sqlite"} - {connection.vendor}
    kept = [item for item in items if not others & {mark.name for mark in item.iter_markers()}]
    if dropped := [item for item in items if item not in kept]:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("jobqueue-")]
    assert not left, f"still running: {left}"


@pytest.fixture(autouse=True)
def the_clock_is_the_databases() -> Iterator[None]:
    """Who freezes the time here means that of a host; tests of the helpers, that of the queue."""
    with database_clock():
        yield
