"""Fixtures for pytest, found by its entry point; Django is imported when one of them is used."""

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .clock import QueueClock
    from .runs import JobRuns


@pytest.fixture
def jobqueue(db: None) -> ModuleType:
    """The helpers of django_jobqueue.testing: `jobqueue.run_jobs()`; jobs wait until then."""
    return _helpers()


@pytest.fixture
def jobqueue_inline(db: None) -> "Iterator[JobRuns]":
    """Jobs run as soon as what enqueued them is committed; the value is what ran."""
    with _helpers().inline_jobs() as runs:
        yield runs


@pytest.fixture
def jobqueue_clock() -> "Iterator[QueueClock]":
    """Time stands still for the queue: `jobqueue_clock.tick(minutes=5)`."""
    with _helpers().QueueClock() as clock:
        yield clock


def _helpers() -> ModuleType:
    from django_jobqueue import testing

    from .clock import follow_moved_clocks

    follow_moved_clocks()
    return testing
