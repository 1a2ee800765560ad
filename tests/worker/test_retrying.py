"""Which failures are retried, and after how long."""

import pytest

from django_jobqueue import (
    Constant,
    DeathReason,
    JobHandle,
    JobState,
    Linear,
    Retry,
    Snooze,
    run_now,
)
from django_jobqueue.models import Job

from .site import COMMITTED, Site, the_attempt_of

pytestmark = COMMITTED


def wait_of(handle: JobHandle) -> float:
    run_at = handle.refresh().snapshot.run_at
    assert run_at is not None
    return (run_at - the_attempt_of(handle).ended_at).total_seconds()


def fail() -> None:
    raise KeyError("k")


def refuse() -> None:
    raise PermissionError("no")


class TestWhich:
    def test_an_error_that_is_not_worth_it_is_discarded_at_once(self, site: Site) -> None:
        handle = site.job(refuse, discard_on=PermissionError, max_attempts=9).enqueue()
        site.work()

        assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, DeathReason.DISCARDED)
        assert handle.error == {"type": "PermissionError", "message": "no"}

    def test_a_subclass_of_it_is_discarded_too(self, site: Site) -> None:
        handle = site.job(refuse, discard_on=[OSError]).enqueue()
        site.work()

        assert handle.snapshot.reason == DeathReason.DISCARDED

    def test_with_retry_on_all_others_are_discarded(self, site: Site) -> None:
        retried = site.job(fail, retry_on=LookupError).enqueue()
        discarded = site.job(refuse, retry_on=LookupError).enqueue()
        site.work()

        assert retried.state == JobState.SCHEDULED
        assert discarded.snapshot.reason == DeathReason.DISCARDED

    def test_discard_on_wins_over_retry_on(self, site: Site) -> None:
        handle = site.job(fail, retry_on=LookupError, discard_on=KeyError).enqueue()
        site.work()

        assert handle.snapshot.reason == DeathReason.DISCARDED


class TestAfterHowLong:
    """The job's own backoff, then its handler's, then that of the settings."""

    @pytest.fixture
    def waits(self, site: Site) -> list[float]:
        job = site.job(fail, name="patient", backoff=Constant(600))
        bare = site.job(fail, name="bare")
        handles = [job.using(backoff=Constant(60)).enqueue(), job.enqueue(), bare.enqueue()]
        site.work(backoff=Linear(6000, max_delay=10_000))
        return [wait_of(handle) for handle in handles]

    def test_the_most_particular_is_chosen(self, waits: list[float]) -> None:
        assert waits == [pytest.approx(wait, abs=1) for wait in (60, 600, 6000)]

    def test_the_attempt_counts(self, site: Site) -> None:
        handle = site.job(fail, backoff=Linear(0)).using(backoff=Linear(60)).enqueue()
        site.work()
        run_now(handle.id)
        site.work()

        run_at, last = handle.refresh().snapshot.run_at, handle.attempts[-1]
        assert run_at is not None
        assert (run_at - last.ended_at).total_seconds() == pytest.approx(120, abs=1)


class TestSettings:
    def test_how_often_a_job_may_snooze_can_be_set_for_the_site(self, site: Site) -> None:
        runs = site.counted("poll")
        Job.objects.create(handler="poll", reprocess_count=5)
        site.work(max_reprocess_count=5)

        assert runs == []
        assert site.told.names.count("job.dead") == 1

    def test_how_often_a_job_is_run_after_crashes_can_be_set_for_the_site(self, site: Site) -> None:
        runs = site.counted("crash")
        Job.objects.create(handler="crash", rescues=5)
        site.work_in_quarantine(max_rescues=6)

        assert runs == ["crash"]


@pytest.mark.postgresql  # on SQLite the promoter wakes up for every commit of another connection
class TestWhenItIsDue:
    @pytest.mark.parametrize("answer", [Retry(delay=0.05, exact=True), Snooze(delay=0.05)])
    def test_the_promoter_does_not_sleep_past_what_was_just_rescheduled(
        self, site: Site, answer: Exception
    ) -> None:
        runs = []

        @site.job(backoff=Constant(0))
        def once_more() -> object:
            runs.append(1)
            return answer if len(runs) == 1 else None

        with site.working(promote_interval=3600) as it:
            it.polls()
            handle = once_more.enqueue()
            site.told.wait_for("job.succeeded")

        assert (len(runs), handle.refresh().state) == (2, JobState.SUCCEEDED)
