"""Jobs that run past their deadline although their worker lives: the reaper's last resort."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from django_jobqueue import Constant, DeathReason, JobState, Queue
from django_jobqueue.core.errors import JobTimedOut
from django_jobqueue.core.retry import RetryPolicy
from django_jobqueue.core.specs import ClaimedJob, NewJob
from django_jobqueue.events import EventBus
from django_jobqueue.models import DeadJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.overdue import Overdue
from django_jobqueue.worker.reaper import Reaper
from django_jobqueue.worker.timeouts import LATEST_START_SECONDS
from tests.claims import a_claim
from tests.store.helpers import LEASE, LONG_AGO, claim, finish, register_worker

from .bench import Time
from .site import Site
from .test_executor import Trial, do_nothing

pytestmark = pytest.mark.django_db


class Runaway:
    """A job that its worker claimed, and on which its deadline has passed."""

    def __init__(self, handler: Any, **fields: Any) -> None:
        self.store, self.worker = store_for("default"), register_worker()
        new = NewJob(handler=handler.handler.name, queue="mail", timeout_seconds=60.0, **fields)
        self.id = self.store.insert(new).id
        self.claim = self.claim_again()

    def claim_again(self) -> ClaimedJob:
        [job] = claim(self.store, self.worker, "mail")
        Job.objects.update(deadline_at=LONG_AGO)
        return job

    @property
    def row(self) -> Job:
        return Job.objects.get(pk=self.id)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def overdue(site: Site) -> Overdue:
    return overdue_of(site, store_for("default"))


def overdue_of(site: Site, store: JobStore) -> Overdue:
    return Overdue(store=store, registry=site.registry, defaults=RetryPolicy(), events=site.bus)


def test_its_attempt_has_failed_and_it_is_retried_as_after_any_failure(
    site: Site, overdue: Overdue
) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless", backoff=Constant(60, jitter=0)))

    assert overdue.fail() == {"mail"}

    row = runaway.row
    assert (row.state, row.attempt, row.claim_token) == (JobState.SCHEDULED, 1, None)
    assert Job.objects.filter(run_at__gt=Now() + timedelta(seconds=30)).exists()
    [attempt] = runaway.store.attempts_of(runaway.id)
    assert (attempt.outcome, attempt.attempt) == ("failed", 1)
    assert attempt.error_type == "django_jobqueue.core.errors.JobTimedOut"
    assert attempt.message == "the job ran longer than its timeout, and its worker did not react"
    assert [facts["job"].id for facts in site.told.of("job.overdue")] == [runaway.id]


def test_the_backoff_of_its_queue_holds_for_it(site: Site, overdue: Overdue) -> None:
    Queue("mail").configure(backoff=Constant(1234, jitter=0))
    runaway = Runaway(site.job(do_nothing, name="endless"))

    overdue.fail()

    [attempt] = runaway.store.attempts_of(runaway.id)
    waits = runaway.row.run_at - attempt.ended_at
    assert waits.total_seconds() == pytest.approx(1234, abs=30)


def test_the_last_attempt_makes_it_a_dead_letter(site: Site, overdue: Overdue) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless"), max_attempts=1)

    overdue.fail()

    assert DeadJob.objects.get(pk=runaway.id).reason == DeathReason.EXHAUSTED


def test_a_handler_that_is_not_to_be_retried_after_a_timeout_is_not(
    site: Site, overdue: Overdue
) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless", discard_on=JobTimedOut))

    overdue.fail()

    assert DeadJob.objects.get(pk=runaway.id).reason == DeathReason.DISCARDED


def test_a_handler_that_this_worker_does_not_know_is_retried_by_default(site: Site) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless"))

    overdue_of(Site(), runaway.store).fail()

    assert runaway.row.state == JobState.SCHEDULED


def test_what_its_worker_reports_too_late_changes_nothing(site: Site, overdue: Overdue) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless"))
    overdue.fail()
    Job.objects.update(state=JobState.READY)
    successor = runaway.claim_again()

    assert not finish(runaway.store, runaway.claim, JobState.SUCCEEDED)

    assert runaway.row.claim_token == successor.claim_token


def test_what_was_reported_in_time_is_left(site: Site) -> None:
    class LateReaper(type(store_for("default"))):  # type: ignore[misc]
        """The worker reports between the reaper's look and its write."""

        def overdue(self, **options: Any) -> list[ClaimedJob]:
            found: list[ClaimedJob] = super().overdue(**options)
            assert finish(self, runaway.claim, JobState.SUCCEEDED)
            return found

    runaway = Runaway(site.job(do_nothing, name="endless"))

    assert overdue_of(site, LateReaper("default")).fail() == set()

    snapshot = runaway.store.find(runaway.id)
    assert snapshot is not None
    assert snapshot.state == JobState.SUCCEEDED
    assert site.told.of("job.overdue") == []


def test_one_that_cannot_be_written_holds_up_no_other(site: Site) -> None:
    class Refusing(type(store_for("default"))):  # type: ignore[misc]
        def finish_many(self, finished: Any) -> set[int]:
            if finished[0].id == refused.id:
                raise ValueError("no way to write this")
            written: set[int] = super().finish_many(finished)
            return written

    handler = site.job(do_nothing, name="endless")
    refused, other = Runaway(handler), Runaway(handler)

    with pytest.raises(ValueError, match="no way"):
        overdue_of(site, Refusing("default")).fail()

    assert (refused.row.state, other.row.state) == (JobState.RUNNING, JobState.SCHEDULED)


@pytest.mark.parametrize("is_well", [True, False], ids=["well", "not well for long enough"])
def test_after_an_outage_the_worker_is_given_time_to_write(site: Site, is_well: bool) -> None:
    runaway = Runaway(site.job(do_nothing, name="endless"))
    time, woken = Time(), list[bool]()
    membership = Membership(lease=LEASE, elapsed=time)
    reaper = Reaper(
        store=runaway.store,
        overdue=overdue_of(site, runaway.store),
        membership=membership,
        wake=lambda: woken.append(True),
        notify=lambda queues: None,
        events=EventBus(),
        interval=timedelta(seconds=5),
    )
    for _ in range(8 if is_well else 2):
        membership.renewed(time())
        time.passes(5)

    reaper.tick()

    assert (runaway.row.state == JobState.SCHEDULED) is is_well
    assert woken == [True] * is_well


class TestAJobThatWaitedLongInItsWorker:
    def started_after(self, seconds: float, **fields: Any) -> Any:
        trial, time = Trial(do_nothing), Time()
        trial.held = HeldJob(a_claim(**fields), trial.held.handler, elapsed=time)
        time.passes(seconds)
        trial.executor.perform(trial.held)
        trial.watching.stop()
        return trial.answer

    def test_is_given_back_where_its_deadline_would_come_too_soon(self) -> None:
        answer = self.started_after(LATEST_START_SECONDS, timeout_seconds=60.0)

        assert answer.transition.state == JobState.READY
        assert answer.transition.attempt_change == -1
        assert answer.attempted_at is None

    def test_is_started_before_that(self) -> None:
        answer = self.started_after(LATEST_START_SECONDS - 1, timeout_seconds=60.0)
        assert answer.transition.state == JobState.SUCCEEDED

    def test_is_started_where_it_has_no_timeout(self) -> None:
        answer = self.started_after(3600)
        assert answer.transition.state == JobState.SUCCEEDED
