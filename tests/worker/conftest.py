from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_jobqueue import JobState
from tests.acceptance.processes import url_of_the_suite

from .apart import Apart
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


@pytest.fixture
def apart(
    transactional_db: None, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Apart:
    """As `site`, for handlers that run in processes of their own."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.acceptance.settings")
    monkeypatch.setenv("DATABASE_URL", url_of_the_suite())
    monkeypatch.setenv("JOBQUEUE_JOURNAL", str(tmp_path / "journal"))
    return Apart(site, tmp_path)
