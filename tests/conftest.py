import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import TransactionTestCase

from django_jobqueue.testing import database_clock

from .emptying import empty_databases

#: Folders of tests in which no database takes part: the run on SQLite has them.
WITHOUT_DATABASE = frozenset({"core", "memory", "model", "mutants", "service", "types"})


def pytest_report_header() -> str:
    import django

    return f"database: {connection.vendor}, Django {django.get_version()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A vendor's facts run on that vendor only; the others are deselected, and counted as such."""
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        (dropped if _is_for_another_run(item) else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def _is_for_another_run(item: pytest.Item) -> bool:
    others = {"postgresql", "sqlite"} - {connection.vendor}
    if others & {mark.name for mark in item.iter_markers()}:
        return True
    return connection.vendor != "sqlite" and item.path.parent.name in WITHOUT_DATABASE


@pytest.fixture(scope="session", autouse=True)
def what_a_test_commits_is_deleted_after_it() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_databases)
        yield


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


@pytest.fixture
def unsurrounded(transactional_db: None) -> Iterator[None]:
    """The connection as on a site: what moves clocks does not surround its statements."""
    connection.ensure_connection()
    wrappers = connection.execute_wrappers
    before = [*wrappers]
    wrappers.clear()
    yield
    wrappers[:] = before
