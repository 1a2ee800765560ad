from collections.abc import Callable
from typing import Any

import pytest

from django_jobqueue import JobState

from .site import Site


@pytest.fixture
def site() -> Site:
    """A module that works with it says `pytestmark = COMMITTED`."""
    return Site()


@pytest.fixture
def after(site: Site) -> Callable[..., Any]:
    """Run `leave`, then `look` in the same thread; return what `look` saw and the first handle."""

    def ran(leave: Callable[[], object], look: Callable[[], object], **options: Any) -> Any:
        first = site.job(leave, name="leave", max_attempts=1, **options).enqueue()
        second = site.job(look, name="look").enqueue()
        site.work(concurrency=1)
        assert second.refresh().state == JobState.SUCCEEDED, second.error
        return second.result, first.refresh()

    return ran
