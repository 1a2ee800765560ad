"""What is left of a claim once it has ended, however it did: nothing that the next could see."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from django_jobqueue.core.specs import AttemptReport, ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import LEASE, LONG_AGO, claim, claimed, finish, make_job, register_worker

pytestmark = pytest.mark.django_db

AT_ONCE = -timedelta(minutes=1)
FAILED = AttemptReport(outcome="failed")


def retried(store: JobStore, job: ClaimedJob) -> None:
    finish(store, job, JobState.READY, report=FAILED)


def given_back(store: JobStore, job: ClaimedJob) -> None:
    store.release_of_worker(job.worker_id, started=[], cause="killed")


def rescued(store: JobStore, job: ClaimedJob) -> None:
    store.release_of_worker(job.worker_id, started=[job.id], cause="killed")


def unknown_to_its_worker(store: JobStore, job: ClaimedJob) -> None:
    store.heartbeat(job.worker_id, lease=LEASE, reconcile_after=AT_ONCE)


def left_with_a_good_bye(store: JobStore, job: ClaimedJob) -> None:
    store.deregister_worker(job.worker_id)


ENDS = [retried, given_back, rescued, unknown_to_its_worker, left_with_a_good_bye]


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.mark.parametrize("end", ENDS)
def test_a_job_that_waits_again_bears_nothing_of_its_claim(
    store: JobStore, end: Callable[[JobStore, ClaimedJob], None]
) -> None:
    job = claimed(store, timeout_seconds=5.0)
    assert Job.objects.get().deadline_at is not None
    end(store, job)

    row = Job.objects.get()
    assert row.state == JobState.READY
    assert (row.claim_token, row.worker_id) == (None, None)
    assert (row.claimed_at, row.deadline_at) == (None, None)


def test_a_claim_forgets_when_the_run_before_it_began(store: JobStore) -> None:
    job = claimed(store, queue="q")
    finish(store, job, JobState.READY, report=FAILED, attempted_at=job.claimed_at)
    claim(store, register_worker(store), "q")

    assert Job.objects.get().attempted_at is None


def test_a_release_keeps_the_error_of_the_run_before_it(store: JobStore) -> None:
    make_job(error={"message": "of an earlier run"})
    [job] = claim(store, register_worker(store))
    finish(store, job, JobState.READY, attempt_change=-1, keeps_place=True)

    assert Job.objects.get().error == {"message": "of an earlier run"}


def test_a_wait_may_be_shorter_than_a_second(store: JobStore) -> None:
    job = claimed(store)
    finish(store, job, JobState.SCHEDULED, delay=0.5)

    row = Job.objects.get()
    assert row.state == JobState.SCHEDULED
    assert row.run_at is not None
    assert row.run_at - row.ready_at == timedelta(seconds=0.5)


def test_a_release_keeps_the_time_for_which_the_job_was_meant(store: JobStore) -> None:
    row = make_job(run_at=LONG_AGO, ready_at=LONG_AGO)
    [job] = claim(store, register_worker(store))
    finish(store, job, JobState.READY, attempt_change=-1, keeps_place=True)
    row.refresh_from_db()

    assert (row.run_at, row.ready_at) == (LONG_AGO, LONG_AGO)


def test_the_attempt_of_a_rescue_says_what_became_of_the_worker(store: JobStore) -> None:
    job = claimed(store)
    store.release_of_worker(job.worker_id, started=[job.id], cause="killed by SIGSEGV")

    [attempt] = store.attempts_of(job.id)
    assert (attempt.outcome, attempt.error_type) == ("rescued", "WorkerDied")
    assert (attempt.message, attempt.worker_id) == ("killed by SIGSEGV", job.worker_id)
    assert (attempt.attempt, attempt.started_at) == (1, None)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD, JobState.SCHEDULED], ids=str)
def test_of_jobs_under_one_token_each_ends_in_its_own_way(store: JobStore, state: JobState) -> None:
    for _ in range(3):
        make_job()
    jobs = claim(store, register_worker(store))
    reasons = list(DeathReason)
    facts = {
        job.id: Transition(
            state=state,
            result=f"{job.id}" if state is JobState.SUCCEEDED else None,
            reason=reasons[number] if state is JobState.DEAD else None,
            error=f'{{"message":"{job.id}"}}',
            delay=3600.0 * number if state is JobState.SCHEDULED else 0.0,
            attempt_change=-(number % 2),
        )
        for number, job in enumerate(jobs, start=1)
    }
    store.finish_many([FinishedJob(job, facts[job.id]) for job in jobs])

    for job in jobs:
        found, meant = store.find(job.id), facts[job.id]
        assert found is not None
        assert found.error == {"message": f"{job.id}"}
        assert found.attempt == 1 + meant.attempt_change
        assert found.reason is meant.reason
        assert found.result == (job.id if state is JobState.SUCCEEDED else None)
        if state is JobState.SCHEDULED:
            assert found.run_at is not None
            wait = found.run_at - job.claimed_at
            assert abs(wait - timedelta(seconds=meant.delay or 0)) < timedelta(minutes=1)


def test_what_was_written_under_a_claim_is_asked_by_id_and_token(store: JobStore) -> None:
    worker = register_worker(store)
    for _ in range(3):
        make_job()
    archived, dead, running = claim(store, worker)
    finish(store, archived, JobState.SUCCEEDED)
    finish(store, dead, JobState.DEAD, reason=DeathReason.DISCARDED)

    assert store.written_under([(running.id, running.claim_token)]) == set()
    assert store.written_under([(archived.id, uuid4()), (dead.id, uuid4())]) == set()
