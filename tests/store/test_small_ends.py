"""Ends of which there is little to say: what is left out is what it would be by itself."""

from datetime import timedelta
from uuid import UUID

import pytest

from django_jobqueue.core.specs import FinishedJob, JobFilter, NewJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.core.transitions import SUCCEEDED
from django_jobqueue.models import ArchivedJob, AttemptRecord, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claim, claimed, register_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def worker(store: JobStore) -> UUID:
    return register_worker(store)


def test_plain_successes_are_archived_and_leave_no_attempts(store: JobStore, worker: UUID) -> None:
    store.insert_many([NewJob(handler="tests.handler")] * 3)
    jobs = claim(store, worker)
    finished = [FinishedJob(job, SUCCEEDED) for job in jobs]

    assert store.finish_many(finished) == {job.id for job in jobs}
    assert store.finish_many(finished) == set()
    assert not Job.objects.exists()
    assert not AttemptRecord.objects.exists()
    rows = ArchivedJob.objects.values_list("state", "attempt", "result", "error").distinct()
    assert list(rows) == [("succeeded", 1, None, None)]


def test_a_change_by_one_is_a_change(store: JobStore, worker: UUID) -> None:
    job = claimed(store, worker)
    by_one = Transition(
        state=JobState.SCHEDULED, delay=1.0, attempt_change=1, reprocess_change=1, rescue_change=1
    )
    before = store.database_now()
    store.finish_many([FinishedJob(job, by_one)])

    row = Job.objects.get()
    assert (row.attempt, row.reprocess_count, row.rescues) == (2, 1, 1)
    assert row.run_at is not None
    assert row.run_at >= before + timedelta(seconds=1)


def test_a_job_that_is_cancelled_with_its_worker_has_an_attempt_without_words(
    store: JobStore, worker: UUID
) -> None:
    job = claimed(store, worker)
    store.cancel(JobFilter(ids=(job.id,)))
    store.deregister_worker(worker)

    [attempt] = store.attempts_of(job.id)
    assert (attempt.outcome, attempt.error_type) == ("cancelled", "")
    assert (attempt.message, attempt.traceback, attempt.log) == ("", "", [])
