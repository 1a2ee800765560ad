"""Transactional handlers whose claim, connection or time is lost: effects and record agree."""

import threading
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from django_jobqueue import (
    JobState,
)
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store import store_for

from .effects import TRANSACTIONAL, effects, write
from .site import COMMITTED, Gate, Site

pytestmark = COMMITTED


@pytest.mark.postgresql
def test_a_run_whose_claim_is_lost_leaves_no_effects(site: Site) -> None:
    gate = Gate()

    def work() -> None:
        write()
        gate.pass_through()

    handle = site.job(work, **TRANSACTIONAL).enqueue()
    with site.working():
        gate.entered()
        worker_id = Job.objects.get(pk=handle.id).worker_id
        assert worker_id is not None
        store_for("default").release_of_worker(worker_id, started=[handle.id], cause="of a test")
        gate.open()
        site.told.wait_for("job.finish_was_stale")

    assert (handle.refresh().state, effects()) == (JobState.READY, [])


# An exception that Python raises in a finalizer, as the connection has some, is lost there.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_at_whatever_moment_the_timeout_comes_effects_and_successes_are_the_same(
    site: Site,
) -> None:
    """Deadlines about as long as the handler: before, in and after it, and in the finish."""

    def work(n: int) -> None:
        write(f"effect {n}")
        for _ in range(2_000):
            pass

    declared = site.job(work, max_attempts=1, **TRANSACTIONAL)
    handles = [declared.using(timeout=0.0005 * (1 + n % 12)).enqueue(n) for n in range(120)]
    site.work(concurrency=1)

    succeeded = [n for n, one in enumerate(handles) if one.refresh().state == JobState.SUCCEEDED]
    assert effects() == sorted(f"effect {n}" for n in succeeded)
    assert {one.state for one in handles} <= {JobState.SUCCEEDED, JobState.DEAD}
    assert site.told.of("job.finish_was_stale") == []


class TestALostConnection:
    """Of PostgreSQL's: SQLite's is no more than a file."""

    pytestmark = pytest.mark.postgresql

    def losing(self, monkeypatch: pytest.MonkeyPatch, *, commit: bool) -> None:
        """The handler's connection is lost once, before the commit arrives or after it."""
        wrapper_class = type(connections[DEFAULT_DB_ALIAS])
        usual, lost = wrapper_class._commit, []

        def lose(wrapper: Any) -> None:
            if lost or not threading.current_thread().name.startswith("jobqueue-runner"):
                return usual(wrapper)
            lost.append(True)
            if commit:
                usual(wrapper)
            wrapper.connection.close()
            return usual(wrapper)

        monkeypatch.setattr(wrapper_class, "_commit", lose)

    @pytest.mark.parametrize("keep", [True, False])
    def test_a_commit_that_was_made_is_found_by_its_token(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, keep: bool
    ) -> None:
        self.losing(monkeypatch, commit=True)
        site.job(write, name="work", keep=keep, **TRANSACTIONAL).enqueue()
        site.work()

        assert (Job.objects.count(), effects()) == (0, ["effect"])
        assert ArchivedJob.objects.count() == int(keep)
        assert site.told.names.count("job.succeeded") == 1
        assert site.told.of("job.finish_was_stale") == []

    def test_a_commit_that_was_not_made_is_a_failed_attempt(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.losing(monkeypatch, commit=False)
        handle = site.job(write, name="work", max_attempts=2, **TRANSACTIONAL).enqueue()
        site.work()

        assert (handle.refresh().state, effects()) == (JobState.SUCCEEDED, ["effect"])
        assert [one.outcome for one in handle.attempts] == ["failed"]
